import { ObjectId } from "mongodb";
import type { OperationView } from "../../../shared/contracts/operation-actions.ts";
import type { OperationEnvelope } from "./operation-log.ts";

/**
 * An operation as stored in `record_operation`: the fields of the Python original under their names and in their form
 * (`params` is a JSON text, `process_time` is in seconds), then ours.
 */
export interface OperationDocument {
  readonly _id: ObjectId;
  readonly status_code?: number | null;
  readonly client_ip?: string | null;
  readonly request_method?: string | null;
  readonly api_path?: string | null;
  readonly request_api?: string | null;
  readonly system?: string | null;
  readonly browser?: string | null;
  readonly summary?: string | null;
  readonly route_name?: string | null;
  readonly description?: string | null;
  readonly tags?: readonly string[] | null;
  readonly process_time?: number | null;
  readonly content_length?: number | string | null;
  readonly params?: string | null;
  readonly create_datetime: Date;
  readonly update_datetime: Date;
  readonly actor?: string | null;
  readonly code?: number | null;
  readonly operation?: string;
  readonly request_id?: string;
  /** Position on the stream of its day. */
  readonly version?: number;
}

export function toDocument({ data, time, correlationid }: OperationEnvelope, version: number) {
  const at = new Date(time);
  return {
    _id: new ObjectId(data.operationId),
    status_code: data.status,
    client_ip: data.address,
    request_method: data.method,
    api_path: data.path,
    request_api: data.url,
    system: data.system,
    browser: data.browser,
    summary: data.summary,
    route_name: data.operation.slice(data.operation.indexOf(".") + 1),
    description: null,
    tags: data.tags,
    process_time: Math.round(data.durationMs * 1000) / 1e6,
    content_length: data.contentLength,
    params: paramsText(data),
    create_datetime: at,
    update_datetime: at,
    actor: data.actor,
    code: data.code,
    operation: data.operation,
    ...(correlationid === undefined ? {} : { request_id: correlationid }),
    version,
  } satisfies OperationDocument;
}

/** The last value of each parameter, as in the Python original. */
function paramsText({ body, query }: OperationEnvelope["data"]): string {
  const named = query.map(({ name, value }) => [name, value] as const);
  return JSON.stringify({
    body_params: body,
    query_params: named.length > 0 ? Object.fromEntries(named) : null,
    path_params: null,
  });
}

export function toView(document: OperationDocument): OperationView {
  const { create_datetime: created } = document;
  return {
    id: document._id.toHexString(),
    status: document.status_code ?? null,
    address: document.client_ip ?? null,
    method: document.request_method ?? null,
    path: document.api_path ?? null,
    system: document.system ?? null,
    browser: document.browser ?? null,
    summary: document.summary ?? null,
    name: document.route_name ?? null,
    description: document.description ?? null,
    tags: document.tags ?? null,
    processTime: document.process_time ?? null,
    params: document.params ?? null,
    createdAt: created.toISOString(),
    updatedAt: (document.update_datetime ?? created).toISOString(),
    actor: document.actor ?? null,
    code: document.code ?? null,
    operation: document.operation ?? null,
    requestId: document.request_id ?? null,
  };
}
