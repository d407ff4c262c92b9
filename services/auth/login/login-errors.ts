import { AppError } from "../../../shared/errors.ts";

/** One text for an unknown login and for a wrong password, so that it does not show which logins exist. */
export class LoginFailed extends AppError {
  constructor() {
    super("The login or the password is wrong", { type: "LOGIN_FAILED" });
  }
}

export class LoginThrottled extends AppError {
  constructor(retryAfterMs: number) {
    super(`Too many logins failed; try again in ${Math.ceil(retryAfterMs / 1000)} s`, {
      type: "LOGIN_THROTTLED",
      data: { retryAfterMs },
    });
  }
}

export class LoginTaken extends AppError {
  constructor() {
    super("Another user logs in with this name", { type: "LOGIN_TAKEN" });
  }
}
