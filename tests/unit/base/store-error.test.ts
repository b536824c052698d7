import { describe, expect, it } from 'vitest'
import { isStatementTimeout, isStoreFailure } from '#lib/base/store-error.ts'

const thrown = (message: string, more: object = {}) => Object.assign(new Error(message), more)
const sqlite = (errcode: number) => thrown('SQL error', { code: 'ERR_SQLITE_ERROR', errcode })
const postgres = (code: string) => thrown('SQL error', { code })

describe('an error means that the store has failed', () => {
  it.each<[string, unknown]>([
    ['a refused connection', thrown('connect ECONNREFUSED', { code: 'ECONNREFUSED' })],
    ['a connection that fell silent', thrown('Query read timeout')],
    ['a full disk (SQLite)', sqlite(13)],
    ['a locked database', sqlite(5)],
    ['a deadlock', postgres('40P01')],
    ['a serialization failure', postgres('40001')],
    ['a cancelled statement', postgres('57014')],
    ['a server that shuts down', postgres('57P01')],
    ['a server without memory', postgres('53200')],
  ])('if it is %s', (_, error) => expect(isStoreFailure(error)).toBe(true))

  it.each<[string, unknown]>([
    ['too many parameters (SQLite)', sqlite(1)],
    ['a broken constraint (SQLite)', sqlite(19)],
    ['an entry too large for an index', postgres('54000')],
    ['a value of the wrong form', postgres('22P02')],
    ['a bug', new TypeError('Cannot read properties of undefined')],
    ['a plain error', new Error('A change without events of its own')],
    ['something that is no error', 'a string'],
  ])('but not if it is %s', (_, error) => expect(isStoreFailure(error)).toBe(false))

  it('or that one statement took too long', () => {
    expect([postgres('57014'), thrown('Query read timeout'), sqlite(5)].map(isStatementTimeout)).toEqual([
      true,
      true,
      false,
    ])
  })
})
