/** PowerDNS's tables in MariaDB, and its account there. Pure. @module */
import { pdnsUser } from '../server/pdns-conf.ts';
import { databaseName, madeTable } from './server-answer.ts';

/**
 * Makes them anew, whatever was there.
 * @param schema PowerDNS's own, of its package
 */
export const tablesSql = (schema: string): string =>
  [
    `drop database if exists ${databaseName};`,
    `create database ${databaseName};`,
    // Known by who it is on this machine, as its socket tells: there is no password.
    `create user if not exists '${pdnsUser}'@'localhost' identified via unix_socket;`,
    `grant select, insert, update, delete on ${databaseName}.* to '${pdnsUser}'@'localhost';`,
    `use ${databaseName};`,
    schema,
    `create table ${madeTable} (made int primary key);`,
    '',
  ].join('\n');
