import { describe, expect, it } from 'vitest'
import { loginAddress } from '#lib/login.ts'

describe('the address of a login', () => {
  it('is the one that the platform wrote', () => {
    expect(loginAddress('203.0.113.7', true)).toBe('203.0.113.7')
  })

  it('is the last of several: the others were written by the client', () => {
    expect(loginAddress('1.1.1.1, 203.0.113.7', true)).toBe('203.0.113.7')
  })

  it('is the same for all where anyone could have written the header', () => {
    expect(loginAddress('203.0.113.7', false)).toBe(loginAddress('203.0.113.8', false))
  })

  it('is never empty and never long', () => {
    expect(loginAddress(null, true)).toBe('local')
    expect(loginAddress(' ', true)).toBe('local')
    expect(loginAddress('9'.repeat(5000), true)).toHaveLength(100)
  })
})
