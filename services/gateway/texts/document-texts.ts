import type { Text } from "./language.ts";

export const documentTexts = {
  description: {
    zh: "定时任务平台的接口。成功与业务错误的 HTTP 状态码均为 200，以响应体中的 `code` 区分：成功为 200，其他为错误。字段说明与错误类型见项目文档。",
    en: "The API of a platform for scheduled tasks. Success and errors of the client have HTTP status 200; `code` in the body distinguishes them: 200 is success. The texts follow `Accept-Language` (zh, en).",
  },
  ok: {
    zh: "成功（code 为 200）或请求有误（code 为其他值）",
    en: "Success (code 200), or an error of the client (any other code)",
  },
  success: { zh: "成功", en: "Success" },
  invalid: { zh: "请求有误", en: "Invalid request" },
  unauthorized: { zh: "未登录或令牌无效", en: "There is no valid token" },
  forbidden: {
    zh: "没有权限，或请求来自其他网站的页面",
    en: "The permission is missing, or a page of another site sent the request",
  },
  tooLarge: { zh: "请求体过大", en: "The request body is too large" },
  notJson: { zh: "浏览器发送的请求体不是 JSON", en: "A browser sent a body that is not JSON" },
  unexpected: { zh: "服务内部错误", en: "An error of the server" },
  unavailable: { zh: "服务或存储不可用", en: "A service or a store is not available" },
  otherError: { zh: "HTTP 错误，例如 404、405、429", en: "An error of HTTP, such as 404, 405 or 429" },
  bearer: { zh: "登录得到的访问令牌或 API 令牌", en: "An access token from the login, or an API token" },
  eventsTitle: { zh: "事件", en: "Events" },
  fields: { zh: "字段", en: "Fields" },
  example: { zh: "示例", en: "Example" },
  publishedBy: { zh: "发布者", en: "Published by" },
  receivedBy: { zh: "接收组", en: "Received by" },
  subject: { zh: "NATS 主题", en: "NATS subject" },
  value: { zh: "值", en: "Value" },
  zh: { zh: "中文", en: "Chinese" },
  en: { zh: "英文", en: "English" },
} as const satisfies Readonly<Record<string, Text>>;
