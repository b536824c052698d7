import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type LoginMemory, loginMemory, tryLogin } from '#lib/endpoints/login.ts'
import { engines, type TestStore } from './stores.ts'

const minute = 60_000
const password = 'correct horse battery'

describe.each(engines)('logins on %s', (_engine, open) => {
  let store: TestStore
  beforeEach(async () => {
    store = await open()
  })
  afterEach(() => store.close())

  const login = (given: string, address = 'a', now = 0, device: string | null = null) =>
    tryLogin(Promise.resolve(store.db), { given, password, address, device, now }, loginMemory())
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

  it('are accepted again after fifteen minutes, and the old failures are gone', async () => {
    await fail(10, 'a')
    expect(await login(password, 'a', 15 * minute)).toBe('limited')
    expect(await login(password, 'a', 15 * minute + 1)).toBe('right')
    expect(await noted()).toEqual([])
  })

  it('that are refused do not lengthen the wait', async () => {
    await fail(10, 'a')
    for (let i = 0; i < 20; i++) await login('no', 'a', 14 * minute)
    expect(await login(password, 'a', 15 * minute + 1)).toBe('right')
  })

  it('count all addresses of an IPv6 /64 as one', async () => {
    for (let i = 0; i < 10; i++) expect(await login('no', `2001:db8:1:2::${i}`)).toBe('wrong')
    expect(await login(password, '2001:db8:1:2:ffff::1')).toBe('limited')
    expect(await login(password, '2001:db8:1:3::1')).toBe('right')
  })

  it('from a known browser are accepted while strangers lock out everyone else', async () => {
    for (let i = 0; i < 10; i++) await fail(10, `a${i}`)
    expect(await login(password, 'a1')).toBe('limited')
    expect(await login(password, 'a1', 0, 'browser')).toBe('right')
  })

  it('from a known browser have a separate limit, which locks no one else out', async () => {
    for (let i = 0; i < 10; i++) expect(await login('no', 'a', 0, 'stolen')).toBe('wrong')
    expect(await login(password, 'a', 0, 'stolen')).toBe('limited')
    expect(await login(password, 'a', 0, 'another')).toBe('right')
    for (let i = 0; i < 10; i++) for (let j = 0; j < 10; j++) await login('no', 'a', 0, `stolen${i}`)
    expect(await login(password, 'a')).toBe('right')
  })

  it('that succeed do not count as failures', async () => {
    for (let i = 0; i < 30; i++) expect(await login(password)).toBe('right')
    expect(await noted()).toEqual([])
  })

  it('allow no more than ten guesses when many are sent at once', async () => {
    const results = await Promise.all(Array.from({ length: 60 }, () => login('no')))
    expect(results.filter((result) => result === 'wrong').length).toBeLessThanOrEqual(10)
  })
})

describe('logins while the store accepts no writes', () => {
  const broken = () => Promise.reject(new Error('database or disk is full'))
  const login = (memory: LoginMemory, given: string, address = 'a', now = 0, device: string | null = null) =>
    tryLogin(broken(), { given, password, address, device, now }, memory)

  it('are accepted, and say that nothing was saved', async () => {
    const memory = loginMemory()
    expect(await login(memory, 'no')).toBe('wrong')
    expect(await login(memory, password)).toBe('right-unsaved')
  })

  it('are still limited, by address and in all, for fifteen minutes', async () => {
    const memory = loginMemory()
    for (let i = 0; i < 10; i++) expect(await login(memory, 'no')).toBe('wrong')
    for (let i = 0; i < 10_000; i++) expect(await login(memory, 'no')).toBe('limited')
    expect(await login(memory, password)).toBe('limited')
    expect(await login(memory, password, 'b')).toBe('right-unsaved')
    for (let i = 1; i < 10; i++) for (let j = 0; j < 10; j++) await login(memory, 'no', `a${i}`)
    expect(await login(memory, password, 'b')).toBe('limited')
    expect(await login(memory, password, 'b', 0, 'browser')).toBe('right-unsaved')
    expect(await login(memory, password, 'b', 15 * minute + 1)).toBe('right-unsaved')
  })

  it('are counted in the store as soon as it accepts writes again', async () => {
    const store = await engines[0]?.[1]()
    if (!store) throw new Error('There is no engine')
    const tried = { given: password, password, address: 'a', device: null, now: 0 }
    expect(await tryLogin(Promise.resolve(store.db), tried, loginMemory())).toBe('right')
    await store.close()
  })
})
