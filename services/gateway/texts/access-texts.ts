import type { Text } from "./language.ts";

const PASSWORD_FAULTS: Readonly<Record<string, Text>> = {
  TOO_SHORT: { zh: "密码至少需要 12 个字符", en: "The password must have at least 12 characters." },
  TOO_LONG: { zh: "密码最多 256 个字符", en: "The password may have at most 256 characters." },
  TOO_SIMPLE: { zh: "密码中不同的字符太少", en: "The password has too few different characters." },
  COMMON: { zh: "密码过于常见", en: "The password is too common." },
  CONTAINS_LOGIN: { zh: "密码不能包含登录名", en: "The password may not contain the login." },
};

/** Why a new password is not accepted. */
export const passwordText = (reason: string): Text =>
  PASSWORD_FAULTS[reason] ?? { zh: "密码不符合要求", en: "The password is not accepted." };

/** What successful changes return. */
export const accessDone = {
  loggedOut: { zh: "已退出登录", en: "Logged out." },
  sessionEnded: { zh: "会话已结束", en: "Session ended." },
  passwordChanged: { zh: "密码修改成功", en: "Password changed." },
  tokenRevoked: { zh: "令牌已撤销", en: "Token revoked." },
  permissionsChanged: { zh: "权限设置成功", en: "Permissions changed." },
} as const satisfies Readonly<Record<string, Text>>;

/** Rejections of requests by the part of the gateway that authenticates. */
export const accessTexts = {
  crossSiteChange: {
    zh: "使用登录会话（Cookie）的修改请求必须来自本站页面",
    en: "A change with a session cookie must come from a page of this server.",
  },
} as const satisfies Readonly<Record<string, Text>>;

export const tooManyRequests = (seconds: number): Text => ({
  zh: `请求过于频繁，请在 ${seconds} 秒后重试`,
  en: `Too many requests; try again in ${seconds} s.`,
});
