import { describe, expect, it } from 'vitest'
import { senderAddress } from '#lib/sender-address.ts'

describe('the address of a login', () => {
  it('is the one that the platform wrote', () => {
    expect(senderAddress('203.0.113.7', true)).toBe('203.0.113.7')
  })

  it('is the last of several: the others were written by the client', () => {
    expect(senderAddress('1.1.1.1, 203.0.113.7', true)).toBe('203.0.113.7')
  })

  it('is the same for all where anyone could have written the header', () => {
    expect(senderAddress('203.0.113.7', false)).toBe(senderAddress('203.0.113.8', false))
  })

  it('is never empty and never long', () => {
    expect(senderAddress(null, true)).toBe('local')
    expect(senderAddress(' ', true)).toBe('local')
    expect(senderAddress('9'.repeat(5000), true)).toHaveLength(100)
  })
})
