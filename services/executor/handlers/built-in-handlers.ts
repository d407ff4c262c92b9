import type { Handler } from "../handler/define-handler.ts";
import { bilibiliHotNew } from "./bilibili-hot-new.ts";
import { demonstration } from "./demonstration.ts";
import { httpRequest } from "./http-request.ts";
import { moleculerCall } from "./moleculer-call.ts";

export interface BuiltInSettings {
  readonly httpAllowPrivate: boolean;
  readonly moleculerCallAllow: readonly string[];
}

/** All handlers of an executor. To add one, add a file to this folder and a line to this list. */
export const builtInHandlers = ({
  httpAllowPrivate,
  moleculerCallAllow,
}: BuiltInSettings): readonly Handler[] => [
  demonstration,
  bilibiliHotNew,
  httpRequest({ allowPrivate: httpAllowPrivate }),
  moleculerCall(moleculerCallAllow),
];
