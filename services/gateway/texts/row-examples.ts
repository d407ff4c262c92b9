import type { Text } from "./language.ts";

/** A body that creates a row, for documents. */
export interface RowExample {
  readonly summary: Text;
  readonly value: Readonly<Record<string, unknown>>;
}

/** By the table. */
export const rowExamples = {
  role: {
    summary: { zh: "管理员角色", en: "A role for administrators" },
    value: { name: "管理员", role_key: "admin", is_active: true },
  },
  user: {
    summary: { zh: "有一个角色的用户", en: "A user with one role" },
    value: {
      name: "kinit",
      telephone: "13800000000",
      email: "kinit@example.org",
      is_active: true,
      age: 30,
      role_ids: [1],
    },
  },
  authTest: {
    summary: { zh: "测试数据", en: "A test" },
    value: { name: "first", role_key: "test", is_active: true, age: 3 },
  },
} as const satisfies Readonly<Record<string, RowExample>>;

/** What the bodies that delete rows are called. */
export const deletedRows: Text = { zh: "删除两行", en: "Two rows" };
