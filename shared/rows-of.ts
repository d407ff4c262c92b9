import type { ActionParams } from "./contracts/actions.ts";
import { MOST_ROW_IDS, type Rows } from "./contracts/paging.ts";
import { AppError } from "./errors.ts";

/** Calls one of the actions `rows`. */
export type ReadRows<Item> = (query: ActionParams<"records.rows">) => Promise<Rows<Item>>;

/** A row changed on every attempt to read it in pieces. */
class RowChanging extends AppError {
  constructor(id: string) {
    super(`The row ${id} changes faster than it can be read; try again.`, {
      type: "ROW_CHANGING",
    });
  }
}

const MOST_TRIES = 5;

/**
 * Rows by their ids, one message at a time, for any number and size of rows.
 *
 * @throws AppError `ROW_CHANGING`, and what the calls throw
 */
export async function* rowsOf<Item>(
  ids: readonly string[],
  read: ReadRows<Item>,
): AsyncGenerator<readonly Item[]> {
  for (let done = 0; done < ids.length; ) {
    const { items, taken, piece } = await read({ ids: ids.slice(done, done + MOST_ROW_IDS) });
    if (items.length > 0) yield items;
    done += taken;
    if (!piece) continue;
    const item = await joined<Item>(ids[done] as string, read);
    if (item !== undefined) yield [item];
    done += 1;
  }
}

/** A row that is larger than a message; undefined if it has been deleted meanwhile. */
async function joined<Item>(id: string, read: ReadRows<Item>): Promise<Item | undefined> {
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const texts: string[] = [];
    let digest: string | undefined;
    for (let from = 0; ; ) {
      const { items, piece } = await read({ ids: [id], from });
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
