import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { FactKind } from '#lib/core/change/change.ts'
import { describe as describeChange } from '#lib/core/change/describe.ts'
import { factKinds, kindOf, kinds } from '#lib/core/change/kinds.ts'
import { factOf } from '../../targets/messages.ts'

const { promoted, ...rest } = kinds

/** What must not compile, which `npm run typecheck` holds: an error that is not there is one. */
// @ts-expect-error `promoted` has no record
rest satisfies Record<FactKind, unknown>
// @ts-expect-error no fact is of this kind
const unknown: FactKind = 'no-such-kind'

describe('each kind', () => {
  it('has its own public name', () => {
    expect(promoted).toBe(kindOf('promoted'))
    const names = factKinds.map((kind) => kinds[kind].publicName)
    expect(new Set(names).size).toBe(factKinds.length)
  })

  it('that only a newer version knows counts as unrecognised', () => {
    expect(kindOf(unknown)).toBe(kinds.unrecognised)
  })
})

describe('each kind about a prompt', () => {
  const ofPrompts = factKinds.filter((kind) => kinds[kind].about === 'prompt' && kind !== 'unchanged')

  it.each(ofPrompts)('%s has its sentence', (kind) => {
    const change = { subject: 'support/refund-reply', facts: [factOf(kind)], actor: 'Maya', version: 7 }
    expect(describeChange(change).title).not.toContain('Nothing visible changed')
  })

  it('is listed for workflows on GitHub', () => {
    const guide = readFileSync('docs/github-actions.md', 'utf8')
    const [row] = guide.match(/^\| `change\.kind` .*$/m) ?? []
    expect(row?.match(/`[a-z-]+`/g)?.toSorted()).toEqual(ofPrompts.map((kind) => `\`${kind}\``).toSorted())
  })
})
