import type { Context, ServiceBroker, ServiceSchema } from "moleculer";
import { type Clock, systemClock } from "../../shared/clock.ts";
import { commandOf } from "../../shared/contracts/command.ts";
import { StoreUnavailable } from "../../shared/event-store/event-store.ts";
import { createPeriodicJob, type PeriodicJob } from "../../shared/periodic-job.ts";
import { actionsOf, causeOf, type Meta } from "../../shared/service.ts";
import { withTimeLimit } from "../../shared/time-limit.ts";
import { type AuthParts, assembleAuth } from "./auth-parts.ts";
import type { Caller } from "./row/row-actions.ts";
import { openAuthStore, type StoreConfig } from "./store/open-auth-store.ts";
import { newUsersByDay } from "./user/new-users-by-day.ts";

export interface AuthDeps {
  readonly config: StoreConfig;
  readonly clock: Clock;
  /** Called if the store fails after the service has started. The process cannot serve users any more. */
  readonly onFailure?: (error: unknown) => void;
}

/** How long a call waits for the embedded PostgreSQL to start; less than the time limit of a call. */
const START_WAIT_MS = 8000;
const PURGE_EVERY_MS = 3_600_000;

/**
 * Users and roles. The embedded PostgreSQL takes seconds to start, so the service starts without it, and calls wait for
 * it with a limit; a server has to be reachable when the service starts.
 */
export const authService = ({ config, clock, onFailure = () => {} }: AuthDeps): ServiceSchema => {
  let opening: Promise<AuthParts>;
  let purging: PeriodicJob | undefined;
  const parts = () =>
    withTimeLimit(
      opening,
      START_WAIT_MS,
      () => new StoreUnavailable(undefined, "The embedded PostgreSQL is still starting; try again."),
    );
  return {
    name: "auth",
    actions: actionsOf("auth", {
      createUser: async (fields, ctx) => {
        const { users, roleRows } = await parts();
        const [id = 0] = await users.create([await withKnownRoles(fields, roleRows)], callerOf(ctx));
        return { id };
      },
      changeUser: async ({ id, ...fields }, ctx) => {
        const { users, roleRows } = await parts();
        return users.change(id, await withKnownRoles(fields, roleRows), callerOf(ctx));
      },
      deleteUsers: async ({ ids }, ctx) => (await parts()).users.remove(ids, callerOf(ctx)),
      getUser: async ({ id }) => (await parts()).users.get(id),
      listUsers: async (query) => (await parts()).userRows.list(query),
      userRows: async (query) => (await parts()).userRows.rows(query),
      newUsersByDay: async ({ days }) => newUsersByDay((await parts()).userRows, days, clock.now()),

      createRole: async (fields, ctx) => {
        const [id = 0] = await (await parts()).roles.create([fields], callerOf(ctx));
        return { id };
      },
      createRoles: async ({ roles }, ctx) => ({
        ids: await (await parts()).roles.create(roles, callerOf(ctx)),
      }),
      changeRole: async ({ id, ...fields }, ctx) => (await parts()).roles.change(id, fields, callerOf(ctx)),
      deleteRoles: async ({ ids }, ctx) => (await parts()).roles.remove(ids, callerOf(ctx)),
      getRole: async ({ id }) => (await parts()).roles.get(id),
      listRoles: async (query) => (await parts()).roleRows.list(query),
      roleRows: async (query) => (await parts()).roleRows.rows(query),

      createAuthTest: async (fields, ctx) => {
        const [id = 0] = await (await parts()).authTests.create([fields], callerOf(ctx));
        return { id };
      },
      changeAuthTest: async ({ id, ...fields }, ctx) =>
        (await parts()).authTests.change(id, fields, callerOf(ctx)),
      deleteAuthTests: async ({ ids }, ctx) => (await parts()).authTests.remove(ids, callerOf(ctx)),
      getAuthTest: async ({ id }) => (await parts()).authTests.get(id),
      listAuthTests: async (query) => (await parts()).authTestRows.list(query),
      authTestRows: async (query) => (await parts()).authTestRows.rows(query),
    }),
    events: {
      /** Events that an earlier process left unsent are published once every consumer of this process has subscribed. */
      "$broker.started"() {
        opening.then(
          ({ store }) => store.outbox.adoptEnded(),
          () => {},
        );
      },
    },
    async started() {
      const { broker, logger: log } = this;
      opening = openAuthStore({ config, bus: broker.bus, clock, log }).then((store) => {
        store.failed.catch(onFailure);
        purging = createPeriodicJob({
          everyMs: PURGE_EVERY_MS,
          work: () => store.outcomes.purge(clock.now()),
          log,
          failure: "old commands could not be purged",
        });
        purging.start();
        return assembleAuth(store, clock);
      });
      if (config.ormDatabaseUrl) await opening;
      else opening.catch(onFailure);
    },
    async stopped() {
      await purging?.stop();
      // A store that did not open has nothing to close.
      const opened = await opening?.catch(() => undefined);
      await opened?.store.close();
    },
  };
};

function callerOf(ctx: Context<unknown, Meta>): Caller {
  return { cause: causeOf(ctx), ref: commandOf(ctx.headers) };
}

/** Ids of unknown roles are ignored, as in the Python original; ascending, each once. */
async function withKnownRoles<F extends { readonly roleIds: readonly number[] }>(
  fields: F,
  roles: AuthParts["roleRows"],
): Promise<F> {
  return { ...fields, roleIds: await roles.existing(fields.roleIds) };
}

/** For `moleculer-runner`, which loads every service: without PostgreSQL it gets one without actions. */
export default ({ config }: ServiceBroker): ServiceSchema =>
  config.ormEnable ? authService({ config, clock: systemClock }) : { name: "auth" };
