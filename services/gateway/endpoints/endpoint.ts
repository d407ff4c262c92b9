import type { Identity } from "../../../shared/contracts/access-token.ts";
import type { ActionName, ActionParams, ActionResult } from "../../../shared/contracts/actions.ts";
import { isJsonObject } from "../../../shared/contracts/json-object.ts";
import { errorType } from "../../../shared/errors.ts";
import type { ReadinessCheck } from "../../../shared/monitoring/monitoring.ts";
import type { ReceivedFile } from "../storage/file-store.ts";
import type { Reception } from "../storage/receive-file.ts";
import type { Storage } from "../storage/storage.ts";
import { notFound } from "../texts/error-texts.ts";
import type { Language, Text } from "../texts/language.ts";
import type { DatetimeWire } from "../wire/datetime-wire.ts";
import type { Output } from "../wire/output.ts";
import { type ApiResponse, businessError } from "../wire/response.ts";
import {
  Faults,
  fault,
  InvalidInput,
  readFields,
  type ValuesOf,
  type WireFields,
} from "../wire/wire-validation.ts";

/** A request as endpoints receive it. */
export interface WireRequest {
  /** The last value of each parameter, as in the Python original. */
  readonly query: Readonly<Record<string, string>>;
  /** The parsed body: undefined where there is none, a string where it is not JSON. */
  readonly body: unknown;
  /** Receives the part `file` of a multipart body; null if there is none. */
  receive(reception: Reception): Promise<ReceivedFile | null>;
}

/** Who makes a request. */
export interface RequestClient {
  /** Null for a request without a login, and with `AUTH_ENABLE=false`. */
  readonly identity: Identity | null;
  readonly address: string;
  /** The header `User-Agent`, at most 200 characters. */
  readonly device: string;
}

/** What an endpoint may use. */
export interface EndpointContext {
  readonly language: Language;
  readonly client: RequestClient;
  readonly datetimes: DatetimeWire;
  call<N extends ActionName>(name: N, params: ActionParams<N>): Promise<ActionResult<N>>;
  readiness(): Promise<readonly ReadinessCheck[]>;
  readonly documents: ApiDocuments;
  readonly storage: Pick<Storage, "store">;
}

/** The documents of the API, and whether there are pages to read them. */
export interface ApiDocuments {
  readonly arePagesEnabled: boolean;
  openApi(language: Language): Readonly<Record<string, unknown>>;
  asyncApi(): Readonly<Record<string, unknown>>;
  /** The events as an HTML page. */
  eventsPage(language: Language): string;
}

/** Where an endpoint's input comes from, and its fields. */
export interface Input<F extends WireFields = WireFields> {
  readonly source: "body" | "query" | "file" | "none";
  readonly fields: F;
  /** The body is the value of the only field itself, and not an object with that field. */
  readonly isWhole?: boolean;
  /** Bodies for documents. */
  readonly examples?: readonly InputExample[];
}
/** A body that the endpoint accepts. */
export interface InputExample {
  readonly summary: Text;
  readonly value: unknown;
}
export const fromBody = <F extends WireFields>(
  fields: F,
  examples: readonly InputExample[] = [],
): Input<F> => ({ source: "body", fields, examples });
/** A body that is a bare list, as the value of the only field. */
export const fromWholeBody = <F extends WireFields>(
  fields: F,
  examples: readonly InputExample[] = [],
): Input<F> => ({ source: "body", fields, isWhole: true, examples });
export const fromQuery = <F extends WireFields>(fields: F): Input<F> => ({ source: "query", fields });
export const noInput = { source: "none", fields: {} } as const satisfies Input;

/** One endpoint: its input, its output and what it does. Throws the errors of the actions, and `InvalidInput`. */
export interface Endpoint {
  readonly input: Input;
  readonly output: Output;
  handle(request: WireRequest, context: EndpointContext): Promise<ApiResponse>;
}

/**
 * Binds typed code to its declared input and output, which documents are made from. The code receives values that their
 * kinds have accepted.
 */
export function endpoint<F extends WireFields, D>(
  input: Input<F>,
  output: Output<D>,
  run: (values: ValuesOf<F>, context: EndpointContext) => Promise<ApiResponse<D>> | ApiResponse<D>,
): Endpoint {
  return {
    input,
    output,
    async handle(request, context) {
      const values = readInput(input, request);
      try {
        return await run(values, context);
      } catch (error) {
        if (!isNotFound(error) || !("data_id" in values)) throw error;
        return businessError(notFound(values.data_id)[context.language], 404);
      }
    },
  };
}

function readInput<F extends WireFields>(input: Input<F>, request: WireRequest): ValuesOf<F> {
  const { source, fields, isWhole = false } = input;
  if (source === "none") return {} as ValuesOf<F>;
  const echo = source === "body" ? (request.body ?? null) : null;
  const read = isWhole ? readWholeBody<F> : readBody<F>;
  const values =
    source === "query" ? readFields(fields, request.query) : read(fields, request.body ?? undefined);
  if (values instanceof Faults) throw new InvalidInput(values.errors, echo);
  return values;
}

function readBody<F extends WireFields>(fields: F, value: unknown): ValuesOf<F> | Faults {
  if (isJsonObject(value)) return readFields(fields, value);
  const expected = "JSON object with Content-Type: application/json";
  return value === undefined
    ? fault("body", "Field required", expected)
    : fault("body", "Input should be a valid dictionary or object to extract fields from", expected);
}

/** Reads a body that is the value of the only field. */
export function readWholeBody<F extends WireFields>(fields: F, value: unknown): ValuesOf<F> | Faults {
  const values: Record<string, unknown> = {};
  for (const [name, { kind }] of Object.entries(fields)) {
    if (value === undefined) return fault("body", "Field required", kind.expected);
    const read = kind.read(value, "body");
    if (read instanceof Faults) return read;
    values[name] = read;
  }
  return values as ValuesOf<F>;
}

function isNotFound(error: unknown): boolean {
  const type = errorType(error);
  return type === "TASK_NOT_FOUND" || type === "RECORD_NOT_FOUND";
}
