import type { Handler } from "../handler/define-handler.ts";
import { bilibiliHotNew } from "./bilibili-hot-new.ts";
import { demonstration } from "./demonstration.ts";
import { httpRequest } from "./http-request.ts";
import { moleculerCall } from "./moleculer-call.ts";

export interface BuiltInSettings {
  readonly httpAllowPrivate: boolean;
}

/** Every handler that an executor has from the start: a new one is a file of this folder and a line of this list. */
export const builtInHandlers = ({ httpAllowPrivate }: BuiltInSettings): readonly Handler[] => [
  demonstration,
  bilibiliHotNew,
  httpRequest({ allowPrivate: httpAllowPrivate }),
  moleculerCall,
];
