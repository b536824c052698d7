import type { UsageTotal } from '#lib/store/tables/polls.ts'

const dayMs = 86_400_000
export const shownDays = 30

/** The last 30 days, UTC, oldest first: `2026-08-21`. */
export const daysUntil = (now: number): string[] =>
  Array.from({ length: shownDays }, (_, i) =>
    new Date(now - (shownDays - 1 - i) * dayMs).toISOString().slice(0, 10),
  )

export type Sums = Omit<UsageTotal, 'day' | 'model'>

const nothing: Sums = { generations: 0, input: 0, output: 0, total: 0, usd: 0 }

export const sumOf = (rows: readonly UsageTotal[]): Sums =>
  rows.reduce(
    (sum, { generations, input, output, total, usd }) => ({
      generations: sum.generations + generations,
      input: sum.input + input,
      output: sum.output + output,
      total: sum.total + total,
      usd: sum.usd + usd,
    }),
    nothing,
  )

/** Sums for each model, the most expensive first, then the one with the most tokens. */
export const byModel = (rows: readonly UsageTotal[]): { model: string; sums: Sums }[] =>
  [...Map.groupBy(rows, ({ model }) => model)]
    .map(([model, of]) => ({ model, sums: sumOf(of) }))
    .toSorted((a, b) => b.sums.usd - a.sums.usd || b.sums.total - a.sums.total)

export const usd = (amount: number): string =>
  amount.toLocaleString('en', {
    style: 'currency',
    currency: 'USD',
    maximumFractionDigits: amount !== 0 && amount < 1 ? 4 : 2,
  })

/** One day's bar, in the chart's own units: 10 wide a bar, `height` high. */
export interface DayBar {
  x: number
  y: number
  height: number
  title: string
}

/** Cost per day; tokens if nothing has a price. */
export function dayBars(rows: readonly UsageTotal[], days: readonly string[], height: number): DayBar[] {
  const of = Map.groupBy(rows, ({ day }) => day)
  const sums = days.map((day) => sumOf(of.get(day) ?? []))
  const hasPrice = sums.some((sum) => sum.usd > 0)
  const sizes = sums.map((sum) => (hasPrice ? sum.usd : sum.total))
  const highest = Math.max(...sizes) || 1
  return sums.map((sum, i) => {
    const size = sizes[i] ?? 0
    // Any amount above 0 is visible.
    const high = size === 0 ? 0 : Math.max(2, Math.round((size / highest) * height * 10) / 10)
    const title = `${days[i]}: ${usd(sum.usd)}, ${sum.total.toLocaleString('en')} tokens`
    return { x: i * 10, y: height - high, height: high, title }
  })
}

/**
 * A cell that no spreadsheet takes for a formula: anyone may have chosen the name of a model
 * (https://owasp.org/www-community/attacks/CSV_Injection).
 */
function cell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

const header = 'day,model,generations,input_tokens,output_tokens,total_tokens,cost_usd'

/**
 * RFC 4180: a line per day and model, the oldest day first. `nameOf`: what a project is called, for a line per day, model and
 * project; null: over all projects. The last column, so that the others stay where they are.
 */
export function usageCsv(
  rows: readonly UsageTotal[],
  nameOf: ((projectId: string) => string) | null = null,
): string {
  const lines = rows.map(({ projectId = '', day, model, generations, input, output, total, usd: cost }) => {
    // Never in exponent notation, which spreadsheets read as text.
    const amount = cost.toFixed(9).replace(/\.?0+$/, '')
    const line = [day, cell(model), generations, input, output, total, amount]
    return [...line, ...(nameOf ? [cell(nameOf(projectId))] : [])].join(',')
  })
  return `${[nameOf ? `${header},project` : header, ...lines].join('\r\n')}\r\n`
}
