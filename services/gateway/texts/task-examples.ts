/** Tasks that documents show; the first two are those of the Python original. */
export const taskExamples = [
  {
    summary: { zh: "每 10 秒执行一次", en: "Every 10 seconds" },
    value: {
      name: "测试任务1",
      group: "test",
      job_class: "test.main.Test",
      job_params: { name: "kinit", age: 3 },
      exec_strategy: "interval",
      expression: "10 * * * *",
      is_active: true,
      remark: "这是描述",
    },
  },
  {
    summary: { zh: "每分钟执行一次（cron）", en: "Every minute (cron)" },
    value: {
      name: "测试任务2_cron",
      group: "test",
      job_class: "test.main.Test",
      job_params: { name: "kinit_cron", age: 10 },
      exec_strategy: "cron",
      expression: "* */1 * * * ?",
      is_active: true,
      remark: "这是cron任务测试",
    },
  },
  {
    summary: { zh: "立即发送一次 HTTP 请求", en: "One HTTP request, immediately" },
    value: {
      name: "ping",
      job_class: "http.request",
      job_params: { url: "https://example.org/", method: "GET" },
      exec_strategy: "once",
      is_active: true,
    },
  },
] as const;
