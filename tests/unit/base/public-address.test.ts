import { describe, expect, it } from 'vitest'
import { addressProblem } from '#lib/base/public-address.ts'

describe('the address for Langfuse', () => {
  it.each([
    'https://relay.example.com',
    'https://relay.example.com:443',
    'https://relay.example.com/under/a/path',
    'https://8.8.8.8',
    'https://172.32.0.1',
    'https://100.128.0.1',
    'https://[2606:4700::1111]',
    'https://192.88.98.255',
    'https://192.88.100.0',
    'https://168.63.129.15',
    'https://168.63.129.17',
    'https://[2001:2:1::1]',
    'https://[2001:f::1]',
    'https://[2001:30::1]',
  ])('%s is fine', (address) => {
    expect(addressProblem(address)).toBeNull()
  })

  it.each([
    'https://localhost',
    'https://relay.localhost',
    'https://host.docker.internal',
    'https://relay.internal',
    'https://intranet',
    'https://relay.intranet',
    'https://mac.local',
    'https://mac.local.',
    'https://relay',
    'https://127.0.0.1',
    'https://0x7f.1',
    'https://10.1.2.3',
    'https://172.16.0.1',
    'https://172.31.255.255',
    'https://192.168.1.1',
    'https://169.254.169.254',
    'https://100.64.0.1',
    'https://0.0.0.0',
    'https://192.0.2.7',
    'https://198.51.100.7',
    'https://203.0.113.7',
    'https://224.0.0.1',
    'https://192.88.99.0',
    'https://192.88.99.255',
    'https://168.63.129.16',
    'https://[2001:2::1]',
    'https://[2001:2:0:ffff::1]',
    'https://[2001:10::1]',
    'https://[2001:1f:ffff::1]',
    'https://[2001:20::1]',
    'https://[2001:2f:ffff::1]',
    'https://[::1]',
    'https://[fd00::1]',
    'https://[fe80::1]',
    'https://[::ffff:8.8.8.8]',
    'https://[2001:db8::1]',
    'https://[2002::1]',
    'https://[64:ff9b::1]',
  ])('%s is private', (address) => {
    expect(addressProblem(address)).toMatch(/^Langfuse refuses private addresses/)
  })

  it.each([
    ['https://relay.example.com:8443', 'only to ports 80 and 443, not to 8443'],
    ['http://relay.example.com:3000', 'not to 3000'],
    ['http://relay.example.com', 'Without https'],
    ['http://relay.example.com:443', 'Without https'],
    ['https://a:b@relay.example.com', 'a user name or a password'],
    ['relay.example.com', 'not a URL'],
  ])('%s: %s', (address, words) => {
    expect(addressProblem(address)).toContain(words)
  })
})
