/**
 * The part of PromQL that the alert rules in the docs use: selectors with `=`, `increase(…[5m])`, `time()`, `-`, `*`,
 * comparisons that filter, and `or`. Anything else is an error, so that a rule which is not understood fails its test.
 * https://prometheus.io/docs/prometheus/latest/querying/basics/
 */
export interface Series {
  name: string
  labels: Record<string, string>
  value: number
}

/** What one scrape found; seconds. */
export interface Scrape {
  at: number
  series: Series[]
}

type Vector = Series[]
type Value = number | Vector

const sample = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/

/** Prometheus's text format. */
export function parseScrape(text: string, at: number): Scrape {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  const series = lines.map((line) => {
    const [, name = '', labels = '', value = ''] = sample.exec(line) ?? []
    if (name === '') throw new Error(`No line of Prometheus's: ${line}`)
    return { name, labels: labelsIn(labels), value: Number(value) }
  })
  return { at, series }
}

function labelsIn(text: string): Record<string, string> {
  const pairs = [...text.matchAll(/([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)",?/g)]
  if (pairs.map(([all]) => all).join('') !== text) throw new Error(`No labels: ${text}`)
  return Object.fromEntries(pairs.map(([, name, value]) => [name, value]))
}

const token =
  /\s*(?:(\d+(?:\.\d+)?)(?![\w[])|([a-zA-Z_:][a-zA-Z0-9_:]*)|("(?:[^"\\]|\\.)*")|(\[\d+[smhd]\])|(==|!=|>=|<=|[-*><(){},=]))/y

function tokensOf(text: string): string[] {
  token.lastIndex = 0
  const found: string[] = []
  while (token.lastIndex < text.trimEnd().length) {
    const match = token.exec(text)
    if (!match) throw new Error(`Not understood: ${text}`)
    found.push(match[0].trim())
  }
  return found
}

const seconds = { s: 1, m: 60, h: 3600, d: 86_400 } as const
const compares: Record<string, (a: number, b: number) => boolean> = {
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '>': (a, b) => a > b,
  '<': (a, b) => a < b,
  '>=': (a, b) => a >= b,
  '<=': (a, b) => a <= b,
}
const reckons: Record<string, (a: number, b: number) => number> = {
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
}

/** A series' labels without its name: a computed series has none. */
const each = (vector: Vector, of: (value: number) => number): Vector =>
  vector.map(({ labels, value }) => ({ name: '', labels, value: of(value) }))

const keyOf = ({ labels }: Series): string => JSON.stringify(Object.entries(labels).toSorted())

/** The expression's value over these scrapes, oldest first, at the time of the last. */
export function evaluate(expression: string, scrapes: Scrape[]): Vector {
  const tokens = tokensOf(expression)
  const last = scrapes.at(-1)
  if (!last) throw new Error('Nothing was scraped')
  const { at } = last
  const peek = () => tokens[0]
  const take = (expected?: string): string => {
    const [first] = tokens
    if (first === undefined || (expected !== undefined && first !== expected))
      throw new Error(`${expected ?? 'something'} is missing in ${expression}`)
    return tokens.shift() ?? ''
  }

  function selector(name: string): { name: string; labels: Record<string, string> } {
    if (peek() !== '{') return { name, labels: {} }
    take('{')
    const labels: Record<string, string> = {}
    while (peek() !== '}') {
      const label = take()
      take('=')
      labels[label] = JSON.parse(take())
      if (peek() === ',') take()
    }
    take('}')
    return { name, labels }
  }

  const select = ({ series }: Scrape, { name, labels }: ReturnType<typeof selector>): Vector =>
    series.filter(
      (one) =>
        one.name === name && Object.entries(labels).every(([label, value]) => one.labels[label] === value),
    )

  /** Without Prometheus's extrapolation to the ends of the range, which never changes the sign. */
  function increase(): Vector {
    take('(')
    const expected = selector(take())
    const [, count = '', unit = ''] = /^\[(\d+)([smhd])\]$/.exec(take()) ?? []
    take(')')
    const from = at - Number(count) * seconds[unit as keyof typeof seconds]
    const within = scrapes.filter((scrape) => scrape.at >= from).map((scrape) => select(scrape, expected))
    const series = Map.groupBy(within.flat(), keyOf)
    return [...series.values()]
      .filter((values) => values.length > 1)
      .map((values) => ({
        name: '',
        labels: values[0]?.labels ?? {},
        value: rise(values.map(({ value }) => value)),
      }))
  }

  function primary(): Value {
    const first = take()
    if (/^\d/.test(first)) return Number(first)
    if (first === '(') {
      const value = either()
      take(')')
      return value
    }
    if (first === 'time') {
      take('(')
      take(')')
      return at
    }
    if (first === 'increase') return increase()
    if (!/^[a-zA-Z_:]/.test(first)) throw new Error(`Not understood: ${first} in ${expression}`)
    return select(last as Scrape, selector(first))
  }

  function binary(
    operators: Record<string, unknown>,
    below: () => Value,
    join: (by: string, a: Value, b: Value) => Value,
  ) {
    let value = below()
    for (let by = peek(); by !== undefined && Object.hasOwn(operators, by); by = peek()) {
      take()
      value = join(by, value, below())
    }
    return value
  }

  function reckon(by: string, a: Value, b: Value): Value {
    const of = reckons[by] ?? Math.max
    if (typeof a === 'number' && typeof b === 'number') return of(a, b)
    if (typeof a === 'number') return each(b as Vector, (value) => of(a, value))
    if (typeof b === 'number') return each(a, (value) => of(value, b))
    throw new Error(`Two vectors in ${expression}`)
  }

  function compare(by: string, a: Value, b: Value): Value {
    if (typeof a === 'number' || typeof b !== 'number')
      throw new Error(`No vector by a number in ${expression}`)
    return a.filter(({ value }) => compares[by]?.(value, b))
  }

  const product = () => binary({ '*': 1 }, primary, reckon)
  const difference = () => binary({ '-': 1 }, product, reckon)
  const comparison = () => binary(compares, difference, compare)
  const either = (): Value =>
    binary({ or: 1 }, comparison, (_, a, b) => {
      const known = new Set((a as Vector).map(keyOf))
      return [...(a as Vector), ...(b as Vector).filter((one) => !known.has(keyOf(one)))]
    })

  const value = either()
  if (tokens.length > 0 || typeof value === 'number') throw new Error(`No vector: ${expression}`)
  return value
}

/** The increase of a counter, which restarts at 0 with its process. */
const rise = (values: number[]): number =>
  values.slice(1).reduce((sum, value, i) => {
    const before = values[i] ?? 0
    return sum + (value < before ? value : value - before)
  }, 0)

/** The names that an expression selects, each with the labels that it requires. */
export function selectors(expression: string): { name: string; labels: string[] }[] {
  const names = [...expression.matchAll(/\b([a-z_]+)(?:\{([^}]*)\})?(?!\s*\()/g)]
  return names
    .filter(([, name]) => name?.includes('_') || name === 'up')
    .map(([, name = '', labels = '']) => ({
      name,
      labels: [...labels.matchAll(/(\w+)=/g)].map(([, one]) => one ?? ''),
    }))
}
