import { Migration } from "@mikro-orm/migrations";

/**
 * Users, roles and the test table, and the events, outboxes and commands of the auth service. The first four tables may
 * exist already with the columns of the Python original, whose times are in the server's zone and have none.
 */
export class UsersAndRoles extends Migration {
  override up(): void {
    this.addSql(`create table if not exists auth_user (
      id serial primary key,
      name varchar(255) not null,
      telephone varchar(11) not null,
      email varchar(255),
      is_active boolean not null default true,
      age integer not null,
      ${ORIGINAL_COLUMNS}
    )`);
    this.addSql(`create table if not exists auth_role (
      id serial primary key,
      name varchar(255) not null,
      role_key varchar(11) not null,
      is_active boolean not null default true,
      ${ORIGINAL_COLUMNS}
    )`);
    this.addSql(`create table if not exists auth_test (
      id serial primary key,
      name varchar(255) not null,
      role_key varchar(11) not null,
      is_active boolean not null default true,
      age integer not null,
      ${ORIGINAL_COLUMNS}
    )`);
    this.addSql(`create table if not exists auth_user_to_role (
      user_id integer not null references auth_user (id) on delete cascade,
      role_id integer not null references auth_role (id) on delete cascade
    )`);
    this.addSql("create index if not exists auth_user_to_role_user on auth_user_to_role (user_id)");
    this.addSql("create index if not exists auth_user_to_role_role on auth_user_to_role (role_id)");
    for (const table of ["auth_user", "auth_role", "auth_test"]) this.completeTable(table);
    this.createEventTables();
  }

  /** What tables of the Python original lack. */
  private completeTable(table: string): void {
    this.addSql(`alter table ${table} add column if not exists version integer not null default 1`);
    this.addSql(`update ${table} set is_delete = false where is_delete is null`);
    for (const column of ["create_datetime", "update_datetime", "delete_datetime"])
      this.addSql(`alter table ${table} alter column ${column} type timestamptz`);
    this.addSql(`create index if not exists ix_${table}_name on ${table} (name)`);
    this.addSql(`create index if not exists ${table}_created on ${table} (create_datetime, id)`);
  }

  private createEventTables(): void {
    this.addSql(`create table kinit_event (
      id text collate "C" constraint kinit_event_id primary key,
      stream text collate "C" not null,
      version integer not null,
      writer text collate "C",
      time timestamptz not null,
      envelope jsonb not null,
      constraint kinit_event_stream_version unique (stream, version)
    )`);
    this.addSql("create index kinit_event_writer on kinit_event (writer, id)");
    this.addSql(`create table kinit_outbox (
      writer text collate "C" primary key,
      service text not null,
      process jsonb not null,
      position text not null,
      pending jsonb not null,
      seen_at timestamptz not null
    )`);
    this.addSql(`create table kinit_command (
      id text collate "C" constraint kinit_command_id primary key,
      subject_id text not null,
      changed boolean not null,
      refusal jsonb,
      deadline timestamptz not null
    )`);
    this.addSql("create index kinit_command_deadline on kinit_command (deadline)");
  }
}

const ORIGINAL_COLUMNS = `
      create_datetime timestamptz not null default now(),
      update_datetime timestamptz not null default now(),
      delete_datetime timestamptz,
      is_delete boolean not null default false`;
