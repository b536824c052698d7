import { describe, expect, it } from 'vitest'
import { createDirectory, projectNameOf } from '#lib/core/rules/project-directory.ts'
import { langfuseProject } from '../../../projects.ts'

const support = langfuseProject({ name: 'support', id: 'cm0a', webUrl: 'https://a.test' })
const sales = langfuseProject({ name: 'sales', webUrl: 'https://b.test' })
const alone = langfuseProject({ name: 'default', id: 'cm0a', signsForAny: true })

describe('the directory of projects', () => {
  it('knows configured ids, and those that Langfuse names', () => {
    const directory = createDirectory([support, sales])
    expect([directory.idOf('support'), directory.idOf('sales'), directory.idOf('none')]).toEqual([
      'cm0a',
      null,
      null,
    ])
    directory.learn('sales', 'cm0b')
    expect(directory.withId('cm0b')?.name).toBe('sales')
    expect(directory.nameOf('cm0b')).toBe('sales')
  })

  it('believes the configured id, whatever Langfuse names', () => {
    const directory = createDirectory([support])
    directory.learn('support', 'cm0b')
    expect(directory.idOf('support')).toBe('cm0a')
    expect(directory.withId('cm0b')).toBeNull()
  })

  it('has no name for a project that is alone, nor for an unknown one', () => {
    expect(createDirectory([alone]).nameOf('cm0a')).toBeNull()
    expect(createDirectory([support]).nameOf('cm0x')).toBeNull()
    expect(createDirectory([support]).nameOf(null)).toBeNull()
  })

  it('calls a project whose id is not known what its change says', () => {
    const directory = createDirectory([support, sales])
    expect(projectNameOf(directory, { projectId: 'cm0b', detail: { project: 'sales' } })).toBe('sales')
    expect(projectNameOf(directory, { projectId: 'cm0a', detail: { project: 'sales' } })).toBe('support')
    expect(projectNameOf(directory, { projectId: 'cm0b', detail: {} })).toBeNull()
  })

  it('opens a change where its project is opened, and an unknown one only if there is one address', () => {
    const directory = createDirectory([support, sales])
    const webUrlOf = (projectId: string, project?: string) =>
      directory.webUrlOf({ projectId, detail: project === undefined ? {} : { project } })
    expect(webUrlOf('cm0a')).toBe('https://a.test')
    expect(webUrlOf('cm0b', 'sales')).toBe('https://b.test')
    expect(webUrlOf('cm0x')).toBeNull()
    expect(createDirectory([alone]).webUrlOf({ projectId: 'cm0x', detail: {} })).toBe(alone.webUrl)
  })

  it('accepts for a project its own id, and nothing while that is not known', () => {
    const directory = createDirectory([support, sales])
    expect(directory.signedFor(support, 'cm0a')).toBe('right')
    expect(directory.signedFor(support, 'cm0b')).toBe('wrong')
    expect(directory.signedFor(support, null)).toBe('right')
    expect(directory.signedFor(sales, 'cm0b')).toBe('unknown')
    expect(directory.signedFor({ ...support, signsForAny: true }, 'cm0b')).toBe('right')
  })
})
