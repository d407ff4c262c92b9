import { maskSecrets } from "../../../shared/secret-mask.ts";
import { inLanguage, type Language } from "../texts/language.ts";
import type { InvalidInput } from "./wire-validation.ts";

/** A response of the API, with `D` as `data`; the order of the members of `body` is part of its contract. */
export interface ApiResponse<D = unknown> {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>> & { readonly data?: D };
  readonly headers?: Readonly<Record<string, string>>;
  /** The items of `data`, sent while they are read: the list is too long for memory. */
  readonly more?: AsyncIterable<readonly unknown[]>;
  /** Sent instead of the body: a page or one of its files. */
  readonly page?: Page;
}
/** What a browser shows or loads. */
export interface Page {
  readonly contentType: string;
  readonly content: string | Uint8Array;
}

/** Success with data: reads, and writes whose text the Python original returns in `data`. */
export function data<D>(value: D): ApiResponse<D> {
  return { status: 200, body: { code: 200, message: "success", data: value } };
}

/** Success with a text in `message`, as the Python original returns most writes. */
export function message(text: string): ApiResponse<null> {
  return { status: 200, body: { code: 200, message: text, data: null } };
}

/** A page of a list, with `page` and `limit` of the request. */
export function list<Item>(
  items: readonly Item[],
  { total, page, limit }: { total: number; page: number; limit: number },
  more?: ApiResponse["more"],
): ApiResponse<readonly Item[]> {
  const body = { code: 200, message: "success", data: items, total, page, limit };
  return { status: 200, body, ...(more && { more }) };
}

/** A rejection in the form that the Python original has outside of its business errors: code before message, no data. */
export function failed(text: string): ApiResponse<null> {
  return { status: 200, body: { code: 400, message: text, data: null } };
}

/** A broken rule: HTTP 200 with the fault in the body, message before code, no data. */
export function businessError(
  text: string,
  code: number,
  extra: Readonly<Record<string, unknown>> | undefined = {},
): ApiResponse<never> {
  return { status: 200, body: { message: text, code, ...extra } };
}

/**
 * A request that cannot be read: HTTP 200, the first fault as `message`, the request body repeated with secrets masked.
 * `errors` is ours: it names each field, which "Field required" does not.
 */
export function invalidInput(
  { message: thrown, body, errors: faults }: InvalidInput,
  language: Language,
): ApiResponse<never> {
  const errors = faults.map(({ field, message, expected }) => ({
    field,
    message: inLanguage(message, language),
    expected,
  }));
  const first = errors[0]?.message ?? thrown;
  return { status: 200, body: { message: first, body: maskSecrets(body), code: 400, errors } };
}

/** A rejection by HTTP itself, e.g. 404 and 405: the status is the code, code before message. */
export function httpError(
  status: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): ApiResponse<never> {
  return { status, body: { code: status, message: text }, headers };
}

/** A fault of this platform or of something it depends on: the status is the code, message before code. */
export function serverError(
  status: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): ApiResponse<never> {
  return { status, body: { message: text, code: status }, headers };
}
