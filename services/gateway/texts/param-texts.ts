import type { Rule } from "../../../shared/contracts/contract.ts";
import type { ParamFault, ParamReason } from "../../../shared/contracts/handler-faults.ts";
import type { Text } from "./language.ts";

/** What is wrong with a param, to follow its name. English comes with the fault itself. */
export const PARAM_FAULTS_ZH: Readonly<Record<ParamReason, string>> = {
  MISSING: "缺失",
  NULL: "为 null",
  EMPTY: "为空",
  TOO_SHORT: "过短",
  TOO_LONG: "过长",
  WRONG_FORM: "格式有误",
  TOO_SMALL: "过小",
  TOO_LARGE: "过大",
  HAS_FRACTION: "不是整数",
  NOT_FINITE: "不是有限的数值",
  TOO_MANY_ITEMS: "的元素过多",
  NOT_ALLOWED: "不在允许的取值之内",
  WRONG_KIND: "类型有误",
  UNKNOWN_FIELD: "是未知字段",
  NESTED_TOO_DEEP: "嵌套过深",
  RESERVED_KEY: "含有保留的键 _bsontype",
  NUL_IN_KEY: "的键含有 NUL 字符",
  KEY_NOT_UNICODE: "的键不是有效的 Unicode",
  REFERENCE: "同时含有 $ref 和 $id，MongoDB 会视为引用",
  URL_INVALID: "不是 http 或 https 地址",
  HEADER_INVALID: "不是有效的 HTTP 请求头",
  HEADER_RESERVED: "由连接自身设置，不能指定",
  BODY_AND_JSON: "有误：body 与 json 只能给出一个",
  BODY_NOT_POSSIBLE: "不能随该 method 发送",
  ACTION_NOT_ALLOWED: "不在 MOLECULER_CALL_ALLOW 允许的范围内",
};

/** The text of `HANDLER_PARAMS_INVALID`; English in both languages where only the handler knows the rule. */
export function paramText({ field, reason, fault, expected, rule }: ParamFault): Text {
  const english = `${field} ${fault}; expected ${expected}`;
  const wrong = reason === undefined ? undefined : PARAM_FAULTS_ZH[reason];
  if (wrong === undefined) return { zh: english, en: english };
  const wanted = rule === undefined ? "" : `，应为${ruleInChinese(rule as Exclude<Rule, string>)}`;
  return { zh: `参数传递错误：${field} ${wrong}${wanted}`, en: `Invalid params: ${english}` };
}

function ruleInChinese(rule: Exclude<Rule, string>): string {
  const words = kindInChinese(rule);
  return rule.nullable ? `${words}或 null` : words;
}

function kindInChinese(rule: Exclude<Rule, string>): string {
  switch (rule.type) {
    case "string":
      return `字符串${bounds(rule, "长度 ")}${rule.pattern ? `，格式 ${String(rule.pattern)}` : ""}`;
    case "number":
      return `${rule.integer ? "整数" : "数值"}${bounds(rule, "")}`;
    case "boolean":
      return " true 或 false";
    case "instant":
      return " UTC 时间，例如 2026-01-05T08:00:00.000Z";
    case "id":
      return " 24 位小写十六进制字符";
    case "uuid":
      return " UUID";
    case "any":
      return "任意 JSON 值";
    case "record":
      return " JSON 对象";
    case "enum":
      return ` ${rule.values.join("、")} 之一`;
    case "array":
      return rule.max === undefined ? "数组" : `最多 ${rule.max} 个元素的数组`;
    case "object":
      return objectInChinese(rule.props);
  }
}

function objectInChinese(props: Readonly<Record<string, Rule>>): string {
  const names = Object.keys(props);
  return names.length === 0 ? "空对象 {}" : `对象，字段为 ${names.join("、")}`;
}

function bounds({ min, max }: { readonly min?: number; readonly max?: number }, measure: string): string {
  if (min !== undefined && max !== undefined) return `（${measure}${min} 到 ${max}）`;
  if (min !== undefined) return `（${measure}至少 ${min}）`;
  return max === undefined ? "" : `（${measure}至多 ${max}）`;
}
