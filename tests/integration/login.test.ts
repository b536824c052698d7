import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { tryLogin } from '#lib/login.ts'
import { engines, type TestStore } from './stores.ts'

const minute = 60_000
const password = 'correct horse battery'

describe.each(engines)('logins on %s', (_engine, open) => {
  let store: TestStore
  beforeEach(async () => {
    store = await open()
  })
  afterEach(() => store.close())

  const login = (given: string, address = 'a', now = 0) =>
    tryLogin(store.db, { given, password, address, now })
  const fail = async (times: number, address: string, now = 0) => {
    for (let i = 0; i < times; i++) expect(await login('no', address, now)).toBe('wrong')
  }
  const noted = () => store.db.selectFrom('login_failures').selectAll().execute()

  it.each([
    ['', 'wrong'],
    ['correct horse batter', 'wrong'],
    ['correct horse battery ', 'wrong'],
    ['Correct horse battery', 'wrong'],
    [password, 'right'],
  ])('with "%s" are %s', async (given, result) => {
    expect(await login(given)).toBe(result)
  })

  it('are refused after ten failures from one address, even with the right password', async () => {
    await fail(10, 'a')
    expect(await login(password, 'a')).toBe('limited')
    expect(await login(password, 'b')).toBe('right')
  })

  it('are refused after a hundred failures from anywhere', async () => {
    for (let i = 0; i < 10; i++) await fail(10, `a${i}`)
    expect(await login(password, 'never seen')).toBe('limited')
  })

  it('are taken again after fifteen minutes, and the old failures are gone', async () => {
    await fail(10, 'a')
    expect(await login(password, 'a', 15 * minute)).toBe('limited')
    expect(await login(password, 'a', 15 * minute + 1)).toBe('right')
    expect(await noted()).toEqual([])
  })

  it('that are refused do not make the wait longer', async () => {
    await fail(10, 'a')
    for (let i = 0; i < 20; i++) await login('no', 'a', 14 * minute)
    expect(await login(password, 'a', 15 * minute + 1)).toBe('right')
  })

  it('that succeed are no failures', async () => {
    for (let i = 0; i < 30; i++) expect(await login(password)).toBe('right')
    expect(await noted()).toEqual([])
  })

  it('get no more than ten guesses when many are sent at once', async () => {
    const results = await Promise.all(Array.from({ length: 60 }, () => login('no')))
    expect(results.filter((result) => result === 'wrong').length).toBeLessThanOrEqual(10)
  })
})
