import { z } from 'zod'
import { jsonOf } from '../../base/json.ts'
import { visibleLines } from '../../base/visible.ts'
import { cut, oneLine } from '../text.ts'

const refusal = z.object({ message: z.string() })

/** Why GitHub refused, in its own words, a line of 200 characters at most; what came where it is not GitHub's JSON. */
export function githubWords(body: string): string {
  // Cut off, or from a proxy, it is none of GitHub's JSON.
  const words = refusal.safeParse(jsonOf(body)).data?.message ?? body
  return cut(visibleLines(oneLine(words)).trim(), 200)
}
