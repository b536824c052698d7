import { readdirSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, it } from 'vitest'
import { migrations } from '#lib/store/migrations/all.ts'

const folder = resolve(import.meta.dirname, '../../../lib/store/migrations')

it('lists each migration of the folder once, and loads it by its name', async () => {
  const files = readdirSync(folder).filter((name) => /^\d{4}-[a-z-]+\.ts$/.test(name))
  expect(Object.keys(migrations).toSorted()).toEqual(files.map((name) => name.replace('.ts', '')).toSorted())
  for (const [name, load] of Object.entries(migrations))
    expect(await load(), name).toBe(await import(`${folder}/${name}.ts`))
})
