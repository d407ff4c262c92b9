import type { Config } from "../../../shared/config.ts";
import { rejections } from "../texts/messages.ts";
import { type ApiResponse, failed } from "../wire/response.ts";
import { type GatewayRequest, pathOf, requestLanguage } from "./gateway-request.ts";

export type DemoConfig = Pick<Config, "demoEnv" | "demoWhiteList" | "demoBlackList">;

const READING = new Set(["GET", "HEAD", "OPTIONS"]);

/** Rejects what is closed in a demonstration: everything but reading, and the open paths. */
export function demoGuard({ demoEnv, demoWhiteList, demoBlackList }: DemoConfig) {
  const closed = new Set(demoBlackList);
  const open = new Set(demoWhiteList.filter((path) => !closed.has(path)));
  return (request: GatewayRequest): ApiResponse | undefined => {
    if (!demoEnv || READING.has(request.method ?? "") || open.has(pathOf(request))) return undefined;
    return failed(rejections.demonstration[requestLanguage(request)]);
  };
}
