import { isJsonObject } from "../../shared/contracts/json-object.ts";
import { AppError } from "../../shared/errors.ts";

/** One row of a hot list; its rank is its place in the list, from 1. */
export interface HotRow {
  readonly rank: number;
  readonly title: string;
  readonly heat: string;
  readonly link: string;
}

/** The source answered something that is no JSON. */
export class CrawlBadJson extends AppError {
  constructor(cause: unknown) {
    super("The source's answer is no JSON; expected {code: 1, msg, data: [{title, heat, link}]}", {
      type: "CRAWL_BAD_JSON",
      cause,
    });
  }
}

/** The source answered JSON of another shape than it always did. */
export class CrawlBadShape extends AppError {
  constructor(field: string, fault: string, expected: string) {
    super(`The source's answer: ${field} ${fault}; expected ${expected}`, {
      type: "CRAWL_BAD_SHAPE",
      data: { field, fault, expected },
    });
  }
}

/** The source itself said that it failed. */
export class CrawlRefused extends AppError {
  constructor(code: unknown, msg: unknown) {
    const [codeText, msgText] = [code, msg].map((value) => String(JSON.stringify(value)).slice(0, MSG_MAX));
    super(`任务执行失败, code: ${codeText}, msg: ${msgText}`, {
      type: "CRAWL_REFUSED",
    });
  }
}

const MSG_MAX = 200;
/** No hot list is longer; a longer answer is something else. */
const ROWS_MAX = 1000;

/**
 * The rows of an answer `{code: 1, msg, data: [{title, heat, link}]}`, in its order. Errors: `CRAWL_BAD_JSON`,
 * `CRAWL_BAD_SHAPE`, which names field and row, and `CRAWL_REFUSED` where `code` is not 1. A list without rows is a
 * wrong shape: it would be stored as nothing, and look like success.
 */
export function parseHotList(text: string): readonly HotRow[] {
  const response = parseJson(text);
  if (!isJsonObject(response))
    throw new CrawlBadShape("the answer", kindFault(response), "an object with code, msg, data");
  const { code, msg, data } = response;
  if (code === undefined) throw new CrawlBadShape("code", "is missing", "1");
  if (code !== 1) throw new CrawlRefused(code, msg);
  if (!Array.isArray(data)) throw new CrawlBadShape("data", kindFault(data), "an array of rows");
  if (data.length === 0) throw new CrawlBadShape("data", "is empty", "an array of rows");
  if (data.length > ROWS_MAX)
    throw new CrawlBadShape("data", `has ${data.length} rows`, `at most ${ROWS_MAX}`);
  return data.map(parseRow);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CrawlBadJson(error);
  }
}

function parseRow(row: unknown, index: number): HotRow {
  const position = `data[${index}]`;
  if (!isJsonObject(row))
    throw new CrawlBadShape(position, kindFault(row), "an object with title, heat, link");
  const field = (name: "title" | "heat" | "link"): string => {
    const value = row[name];
    if (typeof value === "string") return value;
    if (name === "heat" && typeof value === "number") return String(value);
    throw new CrawlBadShape(`${position}.${name}`, kindFault(value), "a string");
  };
  return { rank: index + 1, title: field("title"), heat: field("heat"), link: field("link") };
}

function kindFault(value: unknown): string {
  if (value === undefined) return "is missing";
  if (value === null) return "is null";
  if (Array.isArray(value)) return "is an array";
  return typeof value === "object" ? "is an object" : `is a ${typeof value}`;
}
