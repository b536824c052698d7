import { expect, it } from 'vitest'
import type { FactKind } from '#lib/core/change/change.ts'
import { factKinds, kindOf, kinds } from '#lib/core/change/kinds.ts'

const { promoted, ...rest } = kinds

/** What must not compile, which `npm run typecheck` holds: an error that is not there is one. */
// @ts-expect-error `promoted` has no record
rest satisfies Record<FactKind, unknown>
// @ts-expect-error no fact is of this kind
const unknown: FactKind = 'archived'

it('each kind has its own public name', () => {
  expect(promoted).toBe(kindOf('promoted'))
  const names = factKinds.map((kind) => kinds[kind].publicName)
  expect(new Set(names).size).toBe(factKinds.length)
})

it('a kind that only a newer version knows counts as unrecognised', () => {
  expect(kindOf(unknown)).toBe(kinds.unrecognised)
})
