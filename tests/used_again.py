"""Databases that tests give back, emptied: making another one copies hundreds of files."""

from collections.abc import Sequence

import asyncpg

PREPARE = """
create schema tests;
create table tests.altered (tag text);
create table tests.kept (name text primary key, digest text);
create table tests.counter (name text primary key, last_value bigint);

-- Whoever makes, alters or drops anything but a temporary table leaves a database that nobody uses again.
create function tests.note_altered() returns event_trigger language plpgsql security definer as $$
begin
    if tg_event = 'sql_drop' then
        insert into tests.altered select object_type from pg_event_trigger_dropped_objects() where not is_temporary;
    else
        insert into tests.altered select command_tag from pg_event_trigger_ddl_commands()
        where schema_name is distinct from 'pg_temp';
    end if;
end $$;

create function tests.digest(name text) returns text language plpgsql as $$
declare found text;
begin
    execute format('select md5(string_agg(kept::text, '','' order by kept::text)) from %s kept', name) into found;
    return found;
end $$;

create function tests.names() returns setof text language sql as $$
    select pg_class.oid::regclass::text from pg_class join pg_namespace on pg_namespace.oid = relnamespace
    where relkind = 'r' and nspname not in ('tests', 'pg_catalog', 'information_schema') and nspname not like 'pg_t%'
$$;

create function tests.emptied() returns boolean language plpgsql as $$
declare
    name text;
    held boolean;
    filled text[] = '{}';
begin
    for name in select tests.names() except select kept.name from tests.kept loop
        execute format('select exists (select from %s)', name) into held;
        if held then
            filled = filled || name;
        end if;
    end loop;
    if filled <> '{}' then
        execute format('truncate %s cascade', array_to_string(filled, ', '));
    end if;
    perform setval(counter.name, coalesce(counter.last_value, start_value), counter.last_value is not null)
    from pg_sequences join tests.counter on counter.name = format('%I.%I', schemaname, sequencename)
    where pg_sequences.last_value is distinct from counter.last_value;
    return not exists (select from tests.altered)
        and not exists (select from tests.kept where digest is distinct from tests.digest(kept.name));
end $$;
"""
NOTE = """
do $$
declare name text;
    held boolean;
begin
    for name in select tests.names() loop
        execute format('select exists (select from %s)', name) into held;
        if held then
            insert into tests.kept values (name, tests.digest(name));
        end if;
    end loop;
end $$;
insert into tests.counter select format('%I.%I', schemaname, sequencename), last_value from pg_sequences;
create event trigger altered on ddl_command_end execute function tests.note_altered();
create event trigger dropped on sql_drop execute function tests.note_altered();
truncate tests.altered;
"""
# What no event trigger sees, as it stands beside the database.
BESIDE = """
select datacl::text, (select array_agg(setconfig::text) from pg_db_role_setting where setdatabase = pg_database.oid)
from pg_database where datname = $1
"""
END_OTHERS = """
select count(pg_terminate_backend(pid, 5000)) from pg_stat_activity
where datname = current_database() and pid <> pg_backend_pid()
"""


async def note_as_it_is(admin: asyncpg.Connection) -> None:
    """Let a template's copies know what they were like."""
    await admin.execute(PREPARE)
    await admin.execute(NOTE)


async def look_beside(admin: asyncpg.Connection, name: str) -> Sequence[object]:
    """Rights and settings of a database."""
    return tuple(await admin.fetchrow(BESIDE, name) or ())


async def is_as_new(admin: asyncpg.Connection) -> bool:
    """Empties the database that the connection is in, without its triggers (an audit trail lets nobody), and says
    whether it is as its template again: a test may have altered what emptying does not bring back."""
    await admin.execute("set session_replication_role = replica; set lock_timeout = '5s'")
    await admin.fetchval(END_OTHERS)
    return bool(await admin.fetchval("select tests.emptied()"))
