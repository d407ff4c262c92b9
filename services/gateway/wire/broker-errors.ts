import { errorMessage, errorType } from "../../../shared/errors.ts";
import { serviceAbsent, serviceLate } from "../texts/error-texts.ts";
import type { Language } from "../texts/language.ts";
import { type ApiResponse, businessError, serverError } from "./response.ts";
import type { FieldError } from "./wire-validation.ts";

/** The response to an error of Moleculer itself, such as a service that is not running; undefined for any other. */
export function brokerErrorResponse(error: unknown, language: Language): ApiResponse | undefined {
  switch (errorType(error)) {
    case "VALIDATION_ERROR": {
      const errors = paramErrors(error);
      return businessError(errors[0]?.message ?? errorMessage(error), 400, { errors });
    }
    case "SERVICE_NOT_FOUND":
    case "SERVICE_NOT_AVAILABLE":
    case "REQUEST_REJECTED":
    case "QUEUE_FULL":
    case "BAD_GATEWAY":
      return serverError(503, serviceAbsent(serviceOf(error))[language]);
    case "REQUEST_TIMEOUT":
      return serverError(503, serviceLate(serviceOf(error))[language]);
    default:
      return undefined;
  }
}

/** The name of the service that was called; empty where the error does not name it. */
function serviceOf(error: unknown): string {
  const { data } = error as { data?: { action?: unknown } | null };
  return typeof data?.action === "string" ? (data.action.split(".")[0] as string) : "";
}

/** Moleculer's own check of params also reports the value and the node; both stay here. */
function paramErrors(error: unknown): readonly FieldError[] {
  const { data } = error as { data?: unknown };
  if (!Array.isArray(data)) return [];
  return data.map(({ field, message, expected }: Record<string, unknown>) => ({
    field: String(field),
    message: String(message),
    expected: String(expected ?? ""),
  }));
}
