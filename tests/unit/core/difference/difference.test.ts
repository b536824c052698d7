import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { DifferenceBlock } from '#lib/core/difference/difference.ts'
import { compareVersions, diffTexts, inFull } from '#lib/core/difference/difference.ts'
import { summarise } from '#lib/core/difference/summary.ts'

/** Each line: its sign, then the text with `«»` around what changed. `⋮ n` for folded lines. */
const draw = (blocks: DifferenceBlock[]): string[] =>
  blocks.flatMap(({ kind, title, note, lines }) => [
    `${kind} ${title}${note ? `: ${note}` : ''}`,
    ...lines.map((line) =>
      'skipped' in line
        ? `⋮ ${line.skipped}`
        : line.sign + line.parts.map(({ text, changed }) => (changed ? `«${text}»` : text)).join(''),
    ),
  ])

const page = (before: unknown, after: unknown): string[] => draw(diffTexts(before, after).blocks)
const summary = (before: unknown, after: unknown) =>
  summarise({ version: 1, text: before, config: {} }, { version: 2, text: after, config: {} })
const drawn = (before: unknown, after: unknown): string[] =>
  summary(before, after).lines.map(({ sign, text }) => sign + text)

const message = (role: string, content: string) => ({ role, content })
const placeholder = (name: string) => ({ type: 'placeholder', name })
const numbered = (count: number) => Array.from({ length: count }, (_, i) => `line ${i}`)

/** The same numbers each time, without a cycle in a test. */
const noise = (seed: number) => () => {
  seed = (seed * 1_664_525 + 1_013_904_223) >>> 0
  return seed / 2 ** 32
}
const noisyLines = (count: number, kinds: number, seed: number): string => {
  const random = noise(seed)
  return Array.from({ length: count }, () => String(Math.floor(random() * kinds))).join('\n')
}

describe('the difference of two texts', () => {
  it.each<[string, unknown, unknown, string[]]>([
    ['no difference of equal texts', 'a\nb', 'a\nb', []],
    ['no difference of nothing and nothing', undefined, null, []],
    [
      'a word',
      'pay 50 EUR now',
      'pay 100 EUR now',
      ['changed text', '-pay «50» EUR now', '+pay «100» EUR now'],
    ],
    ['an added word', 'a b', 'a c b', ['changed text', '-a b', '+a« c» b']],
    [
      'a whole variable',
      'Dear customer {{old_name}}!',
      'Dear customer {{new_name}}!',
      ['changed text', '-Dear customer «{{old_name}}»!', '+Dear customer «{{new_name}}»!'],
    ],
    [
      'lines with nothing in common',
      'red apples',
      'seven boats',
      ['changed text', '-«red apples»', '+«seven boats»'],
    ],
    [
      'lines with one small word in common',
      'the quick brown fox',
      'the boats came in late',
      ['changed text', '-«the quick brown fox»', '+«the boats came in late»'],
    ],
    [
      'whole words',
      'catalogue is very long',
      'catalogs is very long',
      ['changed text', '-«catalogue» is very long', '+«catalogs» is very long'],
    ],
    ['a last line end', 'a', 'a\n', ['changed text', ' a', '+«»']],
    ['only line endings', 'a\r\nb', 'a\nb', ['changed text: Only line endings changed.', '⋮ 2']],
    [
      'line endings and more',
      'a\r\nb',
      'a\nc',
      ['changed text: Line endings changed from CRLF to LF.', ' a', '-«b»', '+«c»'],
    ],
    ['from nothing', undefined, 'a', ['added text', '+«a»']],
    ['from empty', '', 'a', ['changed text', '+«a»']],
    [
      'words of a script that writes no spaces',
      '我喜欢苹果。',
      '我喜欢香蕉。',
      ['changed text', '-我喜欢«苹果»。', '+我喜欢«香蕉»。'],
    ],
    [
      'an emoji with joiners stays whole',
      'Hello 👩‍💻 there',
      'Hello 👩‍🔬 there',
      ['changed text', '-Hello «👩‍💻» there', '+Hello «👩‍🔬» there'],
    ],
    [
      'a letter keeps its combining mark',
      'call me cafe\u0301 now',
      'call me cafe now',
      ['changed text', '-call me «cafe\u0301» now', '+call me «cafe» now'],
    ],
    ['U+2028 within a line', 'a\u2028b c', 'a\u2028b d', ['changed text', '-a\u2028b «c»', '+a\u2028b «d»']],
    [
      'JSON by its lines',
      { a: 1, b: 2 },
      { a: 1, b: 3 },
      ['changed JSON', ' {', '   "a": 1,', '-  "b": «2»', '+  "b": «3»', ' }'],
    ],
  ])('shows %s', (_, before, after, lines) => {
    expect(page(before, after)).toEqual(lines)
  })

  it('compares an edited line with its counterpart among added ones', () => {
    expect(page('one two three', 'hello\none 2 three\nbye')).toEqual([
      'changed text',
      '-one «two» three',
      '+«hello»',
      '+one «2» three',
      '+«bye»',
    ])
  })

  it('folds unchanged lines except three around each change, and numbers lines', () => {
    const lines = numbered(40)
    const { blocks } = diffTexts(lines.join('\n'), lines.with(20, 'new').join('\n'))
    expect(draw(blocks)).toEqual([
      'changed text',
      '⋮ 17',
      ...[' line 17', ' line 18', ' line 19', '-«line 20»', '+«new»', ' line 21', ' line 22', ' line 23'],
      '⋮ 16',
    ])
    expect(blocks[0]?.lines.slice(4, 6)).toMatchObject([
      { before: 21, after: null },
      { before: null, after: 21 },
    ])
  })

  it('cuts unchanged text out of a long line, and never splits a surrogate pair', () => {
    const [head, tail] = ['👋'.repeat(5_001), 'x👋'.repeat(5_001)]
    const { blocks } = diffTexts(`${head} old ${tail}`, `${head} new ${tail}`)
    const text = JSON.stringify(blocks)
    expect(text.length).toBeLessThan(6_000)
    expect(text).not.toMatch(/\\ud[89a-f]/)
    const [line] = blocks[0]?.lines ?? []
    const shown = line && 'parts' in line ? line.parts : []
    const length = shown.reduce((sum, part) => sum + part.text.length + (part.cut ?? 0), 0)
    expect(length).toBe(`${head} old ${tail}`.length)
  })
})

describe('the difference of two chats', () => {
  const system = message('system', 'Be kind.')
  const question = message('user', 'Why?')
  it.each<[string, unknown, unknown, string[]]>([
    [
      'a changed message',
      [system, question],
      [message('system', 'Be very kind.'), question],
      ['changed system', '-Be kind.', '+Be« very» kind.', 'same user', ' Why?'],
    ],
    [
      'an added message',
      [system, question],
      [system, message('assistant', 'Yes'), question],
      ['same system', ' Be kind.', 'added assistant', '+«Yes»', 'same user', ' Why?'],
    ],
    [
      'another placeholder',
      [placeholder('old'), question],
      [placeholder('new'), question],
      ['removed placeholder old', 'added placeholder new', 'same user', ' Why?'],
    ],
    [
      'another role',
      [message('user', 'x')],
      [message('assistant', 'x')],
      ['removed user', '-«x»', 'added assistant', '+«x»'],
    ],
    [
      'a changed tool call',
      [{ ...system, calls: [1] }],
      [{ ...system, calls: [2] }],
      ['changed system', ' Be kind.', '-{"calls":[«1»]}', '+{"calls":[«2»]}'],
    ],
    [
      'a text that became a chat',
      'Be kind.',
      [message('system', 'Be kind.')],
      ['changed system: The text prompt became a chat prompt.', ' Be kind.'],
    ],
    [
      'a chat that became a text',
      [system, question],
      'Be cruel.',
      [
        'changed system: The chat prompt became a text prompt.',
        '-Be «kind».',
        '+Be «cruel».',
        'removed user',
        '-«Why?»',
      ],
    ],
    ['an empty message', [system], [system, message('user', '')], ['same system', ' Be kind.', 'added user']],
  ])('shows %s', (_, before, after, lines) => {
    expect(page(before, after)).toEqual(lines)
  })

  it('aligns edited messages by role, not by position', () => {
    const before = [message('user', 'a'), message('assistant', 'b'), message('user', 'c')]
    const after = [message('assistant', 'b b'), message('user', 'c c')]
    expect(page(before, after).filter((line) => !/^[-+ ]/.test(line))).toEqual([
      'removed user',
      'changed assistant',
      'changed user',
    ])
  })

  it('shows a moved message as removed and added', () => {
    const kinds = diffTexts([system, question], [question, system]).blocks.map(({ kind }) => kind)
    expect(kinds.toSorted()).toEqual(['added', 'removed', 'same'])
  })

  it('folds many unchanged messages into one block', () => {
    const many = Array.from({ length: 30 }, (_, i) => message('user', String(i)))
    expect(diffTexts(many, [...many, system]).blocks.map(({ title }) => title)).toEqual([
      'user',
      '28 unchanged messages',
      'user',
      'system',
    ])
  })
})

describe('bounds', () => {
  it('finds the shortest difference of two large texts that have nothing in common', () => {
    const lines = numbered(20_000)
    const difference = diffTexts(lines.join('\n'), lines.map((line) => `${line}.`).join('\n'))
    expect(difference).toMatchObject({ coarse: false, cutLines: 38_000 })
  })

  it.each<[string, string, string]>([
    [
      'shuffled lines',
      noisyLines(6_000, 1e9, 1),
      noisyLines(6_000, 1e9, 1).split('\n').toSorted().join('\n'),
    ],
    ['few kinds of lines in another order', noisyLines(10_000, 36, 1), noisyLines(10_000, 36, 2)],
    ['a million short lines', noisyLines(200_000, 10, 1), noisyLines(200_000, 10, 2)],
    [
      'one huge line',
      noisyLines(50_000, 10, 1).replaceAll('\n', ' '),
      noisyLines(50_000, 10, 2).replaceAll('\n', ' '),
    ],
  ])('makes a coarse difference of %s, and says so', (_, before, after) => {
    const difference = diffTexts(before, after)
    expect(difference.coarse).toBe(true)
    expect(difference.blocks[0]?.coarse).toBe(true)
    expect(difference.blocks[0]?.lines.length).toBeLessThanOrEqual(2_001)
  })

  it('divides the shown lines between removed and added ones, and counts the rest', () => {
    const { blocks, cutLines } = diffTexts(numbered(3_000).join('\n'), 'x\n'.repeat(4_000))
    const signs = blocks[0]?.lines.map((line) => ('sign' in line ? line.sign : '⋮')).join('') ?? ''
    expect(signs).toBe('-'.repeat(1_000) + '+'.repeat(1_000))
    expect(cutLines).toBe(5_001)
  })

  it('marks the whole middle of a line whose middle is too long to compare by word', () => {
    const text = (word: string) => `same start ${`same ${word} `.repeat(3_000)}same end`
    const { blocks, coarse } = diffTexts(text('old'), text('new'))
    expect(coarse).toBe(true)
    expect(blocks[0]?.lines[0]).toMatchObject({ parts: [{ changed: true, cut: expect.any(Number) }] })
  })

  it('limits the characters shown and those compared by word', () => {
    const lines = (word: string) =>
      Array.from({ length: 100 }, (_, i) => `${word} ${`${i} `.repeat(4_000)}${word}`).join('\n')
    expect(diffTexts(lines('old'), lines('new')).coarse).toBe(true)
    const rewritten = diffTexts(lines('old'), '')
    expect(JSON.stringify(rewritten).length).toBeLessThan(450_000)
    expect(rewritten.cutLines).toBeGreaterThan(50)
  })

  it('shows no folded lines after its last line', () => {
    const lines = numbered(9_000)
    const edited = lines.map((line, i) => (i % 10 === 5 ? `${line} new` : line))
    const shown = diffTexts(lines.join('\n'), edited.join('\n')).blocks[0]?.lines ?? []
    expect(shown.length).toBeGreaterThan(2_000)
    expect(shown.length).toBeLessThan(2_300)
  })

  it('limits the number of messages and of blocks', () => {
    const chat = (sign: string) => Array.from({ length: 9_000 }, (_, i) => message(`${sign}${i}`, 'x'))
    const { blocks, cutBlocks } = diffTexts(chat('a'), chat('b'))
    expect(blocks).toHaveLength(500)
    expect(cutBlocks).toBeLessThan(4_000)
  })
})

const helloName = { version: 1, text: 'Hello {{name}}', config: { temperature: 1 } }
const helloFirst = { version: 2, text: 'Hello {{first_name}}', config: { temperature: 0 } }

describe('the difference of two versions for a page', () => {
  it('holds lines, variables and config', () => {
    const { summary, text } = compareVersions(helloName, helloFirst)
    expect(summary).toMatchObject({ fromVersion: 1, toVersion: 2, variablesAdded: ['first_name'] })
    expect(summary.config).toEqual([{ key: 'temperature', before: '1', after: '0' }])
    expect(text?.blocks[0]?.lines).toHaveLength(2)
  })

  it('is complete where the texts are the ones that the change was about', () => {
    const { summary } = compareVersions(helloName, helloFirst)
    expect(inFull(summary, helloName, helloFirst)).toEqual(compareVersions(helloName, helloFirst))
  })

  it.each([
    ['the text before is not known', null, helloFirst],
    ['the text after is not known', helloName, null],
    [
      'version 1 is another one since the prompt was created again',
      { ...helloName, text: 'Bonjour' },
      helloFirst,
    ],
    [
      'version 2 is another one since the prompt was created again',
      helloName,
      { ...helloFirst, text: 'Bonjour' },
    ],
  ])('is what was stored where %s', (_why, was, is) => {
    const { summary } = compareVersions(helloName, helloFirst)
    expect(inFull(summary, was, is)).toEqual({ summary, text: null })
  })
})

describe('the summary', () => {
  it('has one line of context and marks unchanged lines between two changes', () => {
    const lines = numbered(12)
    expect(drawn(lines.join('\n'), lines.with(3, 'new').toSpliced(8, 1).join('\n'))).toEqual([
      ...[' line 2', '-line 3', '+new', ' line 4', ' …', ' line 7', '-line 8', ' line 9'],
    ])
  })

  it('names the message of a chat', () => {
    const before = [message('system', 'a'), placeholder('old'), message('user', 'x')]
    const after = [message('system', 'b'), message('user', 'x'), message('assistant', 'y')]
    expect(drawn(before, after)).toEqual([
      ...[' [system]', '-a', '+b', '-[placeholder old]', '+[assistant]', '+y'],
    ])
  })

  it('shows at most 40 lines and counts the changed lines left out', () => {
    const { lines, cutLines } = summary(numbered(100).join('\n'), 'x\n'.repeat(60))
    expect(lines.map(({ sign }) => sign).join('')).toBe('-'.repeat(20) + '+'.repeat(20))
    expect(cutLines).toBe(80 + 41)
  })

  it('cuts a line at 300 code points', () => {
    const [line] = summary('', '👋'.repeat(400)).lines
    expect(line?.text).toBe(`${'👋'.repeat(299)}…`)
  })

  it('cuts a long line around its change', () => {
    const text = 'word '.repeat(1_000)
    const [removed, added] = drawn(`${text}old ${text}`, `${text}new ${text}`)
    expect(removed).toMatch(/^-….*word old word .*…$/)
    expect(added).toMatch(/^\+….*word new word .*…$/)
  })

  it('describes variables, config and size', () => {
    const before = { version: 6, text: 'Hi {{name}} {{old}}', config: { model: 'a', temperature: 0 } }
    const after = { version: 7, text: 'Hi {{name}} 👋 {{new}}', config: { model: 'b', temperature: 0 } }
    expect(summarise(before, after)).toMatchObject({
      fromVersion: 6,
      toVersion: 7,
      variablesAdded: ['new'],
      variablesRemoved: ['old'],
      config: [{ key: 'model', before: '"a"', after: '"b"' }],
      sizeBefore: 19,
      sizeAfter: 21,
      coarse: false,
    })
  })

  it('limits the number of variables and counts the rest', () => {
    const text = Array.from({ length: 50 }, (_, i) => `{{v${i}}}`).join('')
    const { variablesAdded, cutVariables } = summary('', text)
    expect([variablesAdded.length, cutVariables]).toEqual([30, 20])
  })
})

const line = fc.oneof(
  fc.constantFrom('', 'a', 'b', 'a b', 'a  b c', '👩‍💻 x', 'e\u0301', '\ud800', '\u2028', '{{v}} w', '你好'),
  fc.string({ unit: 'binary', maxLength: 8 }),
)
/** Line endings are compared apart; a line of several \r would leave one before its \n. */
const textArb = fc.array(line, { maxLength: 30 }).map((lines) => lines.join('\n').replace(/\r+\n/g, '\n'))
const chatArb = fc.array(
  fc.oneof(
    fc.record({ role: fc.constantFrom('system', 'user'), content: textArb }),
    fc.constantFrom('x', 'y').map(placeholder),
  ),
  { maxLength: 6 },
)
const promptArb = fc.oneof(textArb, chatArb, fc.jsonValue(), fc.constant(undefined))

/** Applies the lines of a block to the old lines. */
function apply(block: DifferenceBlock, old: string[]): string[] {
  const lines: string[] = []
  let next = 0
  for (const entry of block.lines) {
    if ('skipped' in entry) lines.push(...old.slice(next, next + entry.skipped))
    const text = 'parts' in entry ? entry.parts.map((part) => part.text).join('') : ''
    if ('sign' in entry && entry.sign !== '-') lines.push(text)
    if ('sign' in entry && entry.sign !== '+') expect(text).toBe(old[next])
    next += 'skipped' in entry ? entry.skipped : entry.sign === '+' ? 0 : 1
  }
  return lines
}

describe('any two prompts', () => {
  it('have a difference that turns the text before into the text after', () => {
    fc.assert(
      fc.property(textArb, textArb, (before, after) => {
        const [block] = diffTexts(before, after).blocks
        expect(block ? apply(block, before === '' ? [] : before.split('\n')).join('\n') : before).toBe(after)
      }),
      { numRuns: 500 },
    )
  })

  it('never make it throw or exceed the bounds of a summary', () => {
    fc.assert(
      fc.property(promptArb, promptArb, fc.jsonValue(), fc.jsonValue(), (before, after, was, is) => {
        const difference = diffTexts(before, after)
        const small = summarise(
          { version: 1, text: before, config: was },
          { version: 2, text: after, config: is },
        )
        expect(difference.blocks.length).toBeLessThanOrEqual(500)
        expect(small.lines.length).toBeLessThanOrEqual(40)
        expect(diffTexts(before, before).blocks).toEqual([])
      }),
      { numRuns: 500 },
    )
  })
})
