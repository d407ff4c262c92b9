import type { ActionParams } from "./contracts/actions.ts";
import { MOST_ROW_IDS, type Rows } from "./contracts/paging.ts";
import { AppError } from "./errors.ts";

/** Asks a service for rows: one of the actions `rows`. */
export type AskRows<Item> = (query: ActionParams<"records.rows">) => Promise<Rows<Item>>;

/** A row was changed over and over while it was read in pieces. */
class RowChanging extends AppError {
  constructor(id: string) {
    super(`The row ${id} changes faster than it can be read; try again.`, {
      type: "ROW_CHANGING",
    });
  }
}

const MOST_TRIES = 5;

/** Rows by their ids, a message at a time, whatever their size and number. Errors: those of the calls, `ROW_CHANGING`. */
export async function* rowsOf<Item>(
  ids: readonly string[],
  ask: AskRows<Item>,
): AsyncGenerator<readonly Item[]> {
  for (let done = 0; done < ids.length; ) {
    const { items, taken, piece } = await ask({ ids: ids.slice(done, done + MOST_ROW_IDS) });
    if (items.length > 0) yield items;
    done += taken;
    if (!piece) continue;
    const item = await joined<Item>(ids[done] as string, ask);
    if (item !== undefined) yield [item];
    done += 1;
  }
}

/** A row that is larger than a message; undefined where it was deleted meanwhile. */
async function joined<Item>(id: string, ask: AskRows<Item>): Promise<Item | undefined> {
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const texts: string[] = [];
    let digest: string | undefined;
    for (let from = 0; ; ) {
      const { items, piece } = await ask({ ids: [id], from });
      if (!piece) return items[0];
      digest ??= piece.digest;
      if (piece.digest !== digest) break;
      texts.push(piece.text);
      from += piece.text.length;
      if (from >= piece.length) return JSON.parse(texts.join("")) as Item;
    }
  }
  throw new RowChanging(id);
}
