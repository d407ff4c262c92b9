import { Migration } from "@mikro-orm/migrations";

/** Logins, sessions, API tokens, signing keys, and what roles allow. */
export class Access extends Migration {
  override up(): void {
    this.addSql(`create table auth_login (
      user_id integer primary key references auth_user (id) on delete cascade,
      login varchar(64) not null,
      password_hash text not null,
      changed_at timestamptz not null
    )`);
    this.addSql("create unique index auth_login_login on auth_login (lower(login))");
    this.addSql(`create table auth_session (
      id text collate "C" primary key,
      user_id integer not null references auth_user (id) on delete cascade,
      generation integer not null,
      refreshed_by text,
      address varchar(64) not null,
      device varchar(200) not null,
      started_at timestamptz not null,
      used_at timestamptz not null,
      expires_at timestamptz not null,
      is_ended boolean not null,
      version integer not null
    )`);
    this.addSql("create index auth_session_user on auth_session (user_id, started_at)");
    this.addSql("create index auth_session_expiry on auth_session (expires_at)");
    this.addSql(`create table auth_api_token (
      id text collate "C" primary key,
      user_id integer not null references auth_user (id) on delete cascade,
      name varchar(100) not null,
      hash char(64) collate "C" not null unique,
      hint varchar(16) not null,
      scopes jsonb not null,
      created_at timestamptz not null,
      expires_at timestamptz,
      last_used_at timestamptz,
      revoked_at timestamptz
    )`);
    this.addSql("create index auth_api_token_user on auth_api_token (user_id, created_at)");
    this.addSql(`create table auth_signing_key (
      kid text collate "C" primary key,
      x text not null,
      d text not null,
      created_at timestamptz not null
    )`);
    this.addSql(`create table auth_role_permission (
      role_id integer not null references auth_role (id) on delete cascade,
      permission varchar(64) not null,
      primary key (role_id, permission)
    )`);
  }
}
