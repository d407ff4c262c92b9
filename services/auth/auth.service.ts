import type { Context, ServiceBroker, ServiceSchema } from "moleculer";
import { type Clock, systemClock } from "../../shared/clock.ts";
import { commandOf } from "../../shared/contracts/command.ts";
import { StoreUnavailable } from "../../shared/event-store/event-store.ts";
import { createPeriodicJob, type PeriodicJob } from "../../shared/periodic-job.ts";
import { actionsOf, causeOf, type Meta } from "../../shared/service.ts";
import { withTimeLimit } from "../../shared/time-limit.ts";
import { accessHandlers, requireGrantable, requireNotAbove } from "./access-actions.ts";
import {
  type AccessConfig,
  type AccessParts,
  assembleAccess,
  type FirstLogin,
  type Revoked,
} from "./access-parts.ts";
import { type AuthParts, assembleAuth } from "./auth-parts.ts";
import type { Caller } from "./row/row-actions.ts";
import { openAuthStore, type StoreConfig } from "./store/open-auth-store.ts";
import { newUsersByDay } from "./user/new-users-by-day.ts";

export interface AuthDeps {
  readonly config: StoreConfig & AccessConfig;
  readonly clock: Clock;
  /** Called if the store fails after the service has started. The process cannot serve users any more. */
  readonly onFailure?: (error: unknown) => void;
  /** Receives the login that is made at the first start, with its generated password. */
  readonly onFirstLogin?: (login: FirstLogin) => void;
}

/** How long a call waits for the embedded PostgreSQL to start; less than the time limit of a call. */
const START_WAIT_MS = 8000;
const PURGE_EVERY_MS = 3_600_000;

/**
 * Users and roles. The embedded PostgreSQL takes seconds to start, so the service starts without it, and calls wait for
 * it with a limit; a server has to be reachable when the service starts.
 */
export const authService = (deps: AuthDeps): ServiceSchema => {
  const { config, clock, onFailure = () => {}, onFirstLogin = () => {} } = deps;
  let opening: Promise<AuthParts & { readonly access: AccessParts }>;
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
      ...accessHandlers(async () => (await parts()).access),

      createUser: async (fields, ctx) => {
        const { users, roleRows, access } = await parts();
        await requireGrantable(ctx.meta, fields.roleIds, access);
        const [id = 0] = await users.create([await withKnownRoles(fields, roleRows)], callerOf(ctx));
        return { id };
      },
      changeUser: async ({ id, ...fields }, ctx) => {
        const { users, roleRows, access } = await parts();
        await requireGrantable(ctx.meta, fields.roleIds, access);
        await requireNotAbove(ctx.meta, id, access);
        const result = await users.change(id, await withKnownRoles(fields, roleRows), callerOf(ctx));
        access.revoke({ userIds: [id] });
        return result;
      },
      deleteUsers: async ({ ids }, ctx) => {
        const { users, access } = await parts();
        for (const id of ids) await requireNotAbove(ctx.meta, id, access);
        const result = await users.remove(ids, callerOf(ctx));
        access.revoke({ userIds: ids });
        return result;
      },
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
      changeRole: async ({ id, ...fields }, ctx) => {
        const { roles, access } = await parts();
        await requireGrantable(ctx.meta, [id], access);
        const result = await roles.change(id, fields, callerOf(ctx));
        access.revoke({ isForAll: true });
        return result;
      },
      deleteRoles: async ({ ids }, ctx) => {
        const { roles, access } = await parts();
        await requireGrantable(ctx.meta, ids, access);
        const result = await roles.remove(ids, callerOf(ctx));
        access.revoke({ isForAll: true });
        return result;
      },
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
      opening = openAuthStore({ config, bus: broker.bus, clock, log }).then(async (store) => {
        const revoke = (revoked: Revoked) => void broker.broadcast("auth.revoked", revoked);
        const access = await assembleAccess({ store, clock, config, revoke, onFirstLogin });
        store.failed.catch(onFailure);
        purging = createPeriodicJob({
          everyMs: PURGE_EVERY_MS,
          work: async () => {
            await store.outcomes.purge(clock.now());
            await access.maintain();
          },
          log,
          failure: "old commands could not be purged",
        });
        purging.start();
        return { ...assembleAuth(store, clock), access };
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
