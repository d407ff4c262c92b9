import { maskSecrets } from "../../../shared/secret-mask.ts";
import { inLanguage, type Language } from "../texts/language.ts";
import type { InvalidInput } from "./wire-validation.ts";

/** What goes back to the client: the order of the body's members is part of the contract. */
export interface Reply {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** The items of `data`, to be sent as they come: the list is too long to be held. */
  readonly more?: AsyncIterable<readonly unknown[]>;
}

/** Success with data; most reads, and writes that the original answers with a text in `data`. */
export function data(value: unknown): Reply {
  return { status: 200, body: { code: 200, message: "success", data: value } };
}

/** Success with a text in `message`, as the original answers most writes. */
export function message(text: string): Reply {
  return { status: 200, body: { code: 200, message: text, data: null } };
}

/** A page of a list; `page` and `limit` as they were asked for. */
export function list(
  items: readonly unknown[],
  { total, page, limit }: { total: number; page: number; limit: number },
  more?: Reply["more"],
): Reply {
  const body = { code: 200, message: "success", data: items, total, page, limit };
  return { status: 200, body, ...(more && { more }) };
}

/** A rule that was broken: HTTP 200 with the fault in the body, message before code, no data. */
export function businessError(
  text: string,
  code: number,
  extra: Readonly<Record<string, unknown>> | undefined = {},
): Reply {
  return { status: 200, body: { message: text, code, ...extra } };
}

/**
 * A request that cannot be read: HTTP 200, the first fault as `message`, the request's body repeated with secrets
 * masked. `errors` is ours: it names each field, because "Field required" does not say which.
 */
export function invalidInput(
  { message: thrown, body, errors: faults }: InvalidInput,
  language: Language,
): Reply {
  const errors = faults.map(({ field, message, expected }) => ({
    field,
    message: inLanguage(message, language),
    expected,
  }));
  const first = errors[0]?.message ?? thrown;
  return { status: 200, body: { message: first, body: maskSecrets(body), code: 400, errors } };
}

/** What HTTP itself refuses, e.g. 404 and 405: the status is the code, code before message. */
export function httpError(
  status: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): Reply {
  return { status, body: { code: status, message: text }, headers };
}

/** A fault of ours or of something we depend on: the status is the code, message before code. */
export function serverError(
  status: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): Reply {
  return { status, body: { message: text, code: status }, headers };
}
