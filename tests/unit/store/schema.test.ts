import { readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, it } from 'vitest'

const folder = resolve(import.meta.dirname, '../../../lib')

it('names the columns that it reads, since a prepared statement with `*` breaks when a column is added', () => {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  )
  const all = files.flatMap((name) => {
    const code = readFileSync(resolve(folder, name), 'utf8').replaceAll(/^\s*(\/\/|\/?\*).*$/gm, '')
    return [...code.matchAll(/selectAll\(|returningAll\(|\b(select|returning)\s+\*/g)].map(
      ([what]) => `${name}: ${what}`,
    )
  })
  expect(all).toEqual([])
})
