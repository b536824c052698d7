import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

interface Package {
  version?: string
  license?: string
  dev?: boolean
}

const lockfile = JSON.parse(readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8')) as {
  packages: Record<string, Package>
}

/** Each lets an MIT project ship the package as it is. */
const allowed = [
  'MIT',
  'ISC',
  'Apache-2.0',
  'BSD-3-Clause',
  '0BSD',
  'Unlicense',
  'CC-BY-4.0', // caniuse-lite, data that is not shipped
  'SIL OPEN FONT LICENSE', // geist
]

/** LGPL: Next installs it for resizing pictures, which is switched off, and nothing that is deployed holds it. */
const notShipped = /^node_modules\/@img\/sharp-/

it('every package that the app is built on has a licence that goes with MIT', () => {
  const shipped = Object.entries(lockfile.packages).filter(
    ([path, { dev }]) => path !== '' && !dev && !notShipped.test(path),
  )
  const others = shipped.filter(([, { license }]) => !allowed.includes(license ?? ''))
  expect(shipped.length).toBeGreaterThan(50)
  expect(others.map(([path, { license }]) => `${path}: ${license}`)).toEqual([])
})
