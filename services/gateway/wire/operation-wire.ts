import type { OperationView } from "../../../shared/contracts/operation-actions.ts";
import type { Language } from "../texts/language.ts";
import { englishOf, groupTags, operationSummaries } from "../texts/operation-texts.ts";
import { type DatetimeWire, wallTimeRule } from "./datetime-wire.ts";
import { type Shown, shape } from "./output.ts";
import { pythonJson } from "./python-json.ts";

/** How an operation is shown. */
export interface OperationDisplay {
  readonly datetimes: DatetimeWire;
  readonly language: Language;
}

const text = { type: "string", nullable: true } as const;
const number = { type: "number", nullable: true } as const;

/** An operation as the API shows it: the original's members in its order, then ours. */
export const operationShape = shape(
  "Operation",
  {
    status_code: number,
    client_ip: text,
    request_method: text,
    api_path: text,
    system: text,
    browser: text,
    summary: text,
    route_name: text,
    description: text,
    tags: { type: "array", nullable: true, items: "string" },
    process_time: number,
    params: text,
    id: "id",
    create_datetime: wallTimeRule,
    update_datetime: wallTimeRule,
    actor: text,
    code: number,
    request_id: text,
  },
  {
    status_code: 200,
    client_ip: "192.0.2.7",
    request_method: "POST",
    api_path: "/scheduler/task/stop/update",
    system: "Windows 10",
    browser: "Chrome 126.0.0",
    summary: operationSummaries["scheduler_task.stop_task"].zh,
    route_name: "stop_task",
    description: null,
    tags: [groupTags.scheduler_task.zh],
    process_time: 0.0042,
    params:
      '{"body_params": "", "query_params": {"data_id": "66f2a1b00a1b2c3d4e5f6070"}, "path_params": null}',
    id: "66f2a1e00a1b2c3d4e5f6075",
    create_datetime: "2026-01-05 16:00:00",
    update_datetime: "2026-01-05 16:00:00",
    actor: "admin",
    code: 200,
    request_id: "5a3c2f0e-1b7d-4c8e-9a6f-0d2b4e6f8a1c",
  },
);

/** Converts an operation to its shape. */
export function showOperation(
  operation: OperationView,
  { datetimes, language }: OperationDisplay,
): Shown<typeof operationShape> {
  return {
    status_code: operation.status,
    client_ip: operation.address,
    request_method: operation.method,
    api_path: operation.path,
    system: operation.system,
    browser: operation.browser,
    ...describing(operation, language),
    process_time: operation.processTime,
    params: paramsText(operation.params),
    id: operation.id,
    create_datetime: datetimes.show(operation.createdAt),
    update_datetime: datetimes.show(operation.updatedAt),
    actor: operation.actor,
    code: operation.code,
    request_id: operation.requestId,
  };
}

function describing({ summary, name, description, tags, operation }: OperationView, language: Language) {
  const english = language === "en" && operation !== null ? englishOf(operation) : {};
  const shown = english.tag === undefined || tags === null ? tags : [english.tag, ...tags.slice(1)];
  return { summary: english.summary ?? summary, route_name: name, description, tags: shown };
}

/** Python's form of the stored JSON text; a text of the original is in it already. */
function paramsText(params: string | null): string | null {
  if (params === null) return null;
  try {
    return pythonJson(JSON.parse(params));
  } catch {
    return params;
  }
}
