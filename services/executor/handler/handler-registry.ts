import type { HandlerView } from "../../../shared/contracts/executor-actions.ts";
import { handlerUnknownText } from "../../../shared/contracts/handler-faults.ts";
import { storableFault } from "../../../shared/contracts/storable.ts";
import { AppError } from "../../../shared/errors.ts";
import type { Handler } from "./define-handler.ts";
import { plain } from "./describe-rule.ts";
import { HandlerParamsInvalid } from "./handler-params.ts";

/** The handlers of one executor, by name. */
export interface HandlerRegistry {
  /** @throws `HANDLER_UNKNOWN`, with the names of the existing handlers */
  get(name: string): Handler;
  /** @throws `HANDLER_UNKNOWN`, `HANDLER_PARAMS_INVALID` */
  validate(name: string, params: unknown): void;
  list(defaultTimeoutMs: number): readonly HandlerView[];
}

/** A task names a handler that does not exist. */
export class HandlerUnknown extends AppError {
  constructor(name: string, known: readonly string[]) {
    super(handlerUnknownText(name, known), {
      type: "HANDLER_UNKNOWN",
      data: { handler: name, handlers: known },
    });
  }
}

/** @throws `HANDLER_DUPLICATE` if two handlers have the same name */
export function handlerRegistry(handlers: readonly Handler[]): HandlerRegistry {
  const byName = new Map<string, Handler>();
  for (const handler of handlers) {
    if (byName.has(handler.name)) {
      throw new AppError(`Two handlers are named ${handler.name}; a name belongs to one handler`, {
        type: "HANDLER_DUPLICATE",
        data: { handler: handler.name },
      });
    }
    byName.set(handler.name, handler);
  }
  const names = [...byName.keys()].sort();
  const get = (name: string): Handler => {
    const handler = byName.get(name);
    if (!handler) throw new HandlerUnknown(name, names);
    return handler;
  };
  return {
    get,
    validate(name, params) {
      const handler = get(name);
      const fault = storableFault(params);
      if (fault) throw new HandlerParamsInvalid(name, fault);
      handler.checkParams(params);
    },
    list: (defaultTimeoutMs) => names.map((name) => view(get(name), defaultTimeoutMs)),
  };
}

function view({ name, title, params, timeoutMs }: Handler, defaultTimeoutMs: number): HandlerView {
  return { name, title, params: plain(params), timeoutMs: timeoutMs ?? defaultTimeoutMs };
}
