import { describe, expect, it } from 'vitest'
import {
  byModel,
  dayBars,
  daysUntil,
  sumOf,
  usageCsv,
} from '../../../../../app/(dashboard)/usage/usage-shape.ts'

const now = Date.parse('2026-08-21T00:30:00Z')
const row = {
  day: '2026-08-20',
  model: 'gpt-5',
  generations: 2,
  input: 100,
  output: 20,
  total: 120,
  usd: 0.5,
}

describe('usage', () => {
  it('covers the 30 days that end today', () => {
    const days = daysUntil(now)
    expect(days).toHaveLength(30)
    expect([days[0], days.at(-1)]).toEqual(['2026-07-23', '2026-08-21'])
  })

  it('is summed by model, the most expensive first', () => {
    const rows = [row, { ...row, model: 'dear', usd: 3 }, { ...row, day: '2026-08-21', usd: 1 }]
    expect(byModel(rows).map(({ model, sums }) => [model, sums.usd, sums.generations])).toEqual([
      ['dear', 3, 2],
      ['gpt-5', 1.5, 4],
    ])
    expect(sumOf(rows).total).toBe(360)
  })

  it('has a bar per day by cost, visible however small', () => {
    const bars = dayBars(
      [row, { ...row, day: '2026-08-21', usd: 0.000001 }],
      ['2026-08-19', '2026-08-20', '2026-08-21'],
      80,
    )
    expect(bars.map(({ height }) => height)).toEqual([0, 80, 2])
    expect(bars[1]?.title).toBe('2026-08-20: $0.50, 120 tokens')
  })

  it('has bars by tokens if nothing has a price', () => {
    const [bar] = dayBars([{ ...row, usd: 0 }], ['2026-08-20'], 80)
    expect(bar?.height).toBe(80)
  })
})

describe('usage as CSV', () => {
  it('has a line per day and model', () => {
    expect(usageCsv([row])).toBe(
      'day,model,generations,input_tokens,output_tokens,total_tokens,cost_usd\r\n2026-08-20,gpt-5,2,100,20,120,0.5\r\n',
    )
  })

  it.each([
    ['=1+1', "'=1+1"],
    ['+1', "'+1"],
    ['-1', "'-1"],
    ['@SUM(A1)', "'@SUM(A1)"],
    ['\tx', "'\tx"],
    ['a,b', '"a,b"'],
    ['=a"b', '"\'=a""b"'],
    ['a\r\nb', '"a\r\nb"'],
  ])('makes no formula and no column of the model %j', (model, cell) => {
    expect(usageCsv([{ ...row, model }])).toContain(`\r\n2026-08-20,${cell},2,`)
  })

  it('writes small costs in full', () => {
    expect(usageCsv([{ ...row, usd: 0.000000001 }])).toContain(',0.000000001\r\n')
    expect(usageCsv([{ ...row, usd: 0 }])).toContain(',120,0\r\n')
    expect(usageCsv([{ ...row, usd: 20 }])).toContain(',120,20\r\n')
  })

  it('names the project of each line in a last column, where there are several', () => {
    const csv = usageCsv([{ ...row, projectId: 'cm0a' }], (id) => (id === 'cm0a' ? 'support' : id))
    expect(csv.split('\r\n').map((line) => line.split(',').at(-1))).toEqual(['project', 'support', ''])
  })
})
