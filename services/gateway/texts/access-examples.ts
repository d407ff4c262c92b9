import type { Text } from "./language.ts";

interface AccessExample {
  readonly summary: Text;
  readonly value: unknown;
}
const example = (zh: string, en: string, value: unknown): readonly AccessExample[] => [
  { summary: { zh, en }, value },
];

/** Bodies for the documents. */
export const accessExamples = {
  logIn: example("登录", "Log in", { login: "admin", password: "correct horse battery" }),
  refresh: example("刷新", "Refresh", { refresh_token: "eyJhbGciOiJFZERTQSJ9…" }),
  password: example("修改密码", "Change the password", {
    current_password: "correct horse battery",
    password: "another horse battery",
  }),
  token: example("只读令牌", "A token that reads", {
    name: "backup",
    scopes: ["task.read", "record.read"],
    expires_in_days: 90,
  }),
  userLogin: example("生成密码", "With a generated password", { data_id: 7, login: "anna" }),
  permissions: example("只读", "Reading only", { data_id: 2, permissions: ["task.read", "record.read"] }),
} as const;
