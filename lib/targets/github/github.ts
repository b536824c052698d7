import { z } from 'zod'
import { jsonOf } from '../../base/json.ts'
import { urlUnder, withoutEndSlash } from '../../base/url-path.ts'
import type { Message, Outcome, SendContext } from '../../core/delivery/delivery.ts'
import type { TargetOf } from '../../core/rules/target-settings.ts'
import { type Reach, reachable, troubled } from '../../core/setup/reach.ts'
import type { TargetKind } from '../contract.ts'
import { exchange, outcomeOf, reachByGet } from '../http.ts'
import { classifyGithub } from './answer.ts'
import { forgetToken, installationToken } from './app.ts'
import { githubDispatch } from './payload.ts'

async function dispatch(
  target: TargetOf<'github'>,
  message: Message,
  context: SendContext,
  /** `refused`: an earlier one, which an answer may echo as well. */
  { token, refused = '' }: { token: string; refused?: string },
): Promise<Outcome> {
  // Loaded at the first dispatch: 35 ms, which a start without GitHub need not wait for.
  const { Octokit } = await import('octokit')
  const [owner = '', repo = ''] = target.repo.split('/')
  const key = target.app?.privateKey ?? ''
  // In a body, line breaks are escaped.
  const secrets = [token, encodeURIComponent(token), refused, key, JSON.stringify(key).slice(1, -1)]
  const seen = await exchange(context, secrets, (fetch) => {
    const octokit = new Octokit({
      auth: token,
      baseUrl: withoutEndSlash(target.apiUrl),
      request: { fetch },
      // Retries and rate limits belong to the stored delivery.
      retry: { enabled: false },
      throttle: { enabled: false },
      log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
    })
    return octokit.rest.repos.createDispatchEvent({ owner, repo, ...githubDispatch(target, message) })
  })
  return outcomeOf('GitHub', seen, (answer) => classifyGithub(answer, target, context.now()))
}

/** `isNew`: GitHub just made it, so that it cannot have been revoked yet. */
async function tokenFor(
  { token, app, apiUrl }: TargetOf<'github'>,
  context: SendContext,
): Promise<{ token: string; isNew: boolean } | Outcome> {
  // A dry run requests nothing, and a token shows in nothing that it keeps.
  if (token !== undefined || app === undefined || context.isDry) return { token: token ?? '', isNew: false }
  return installationToken(apiUrl, app, context)
}

async function send(target: TargetOf<'github'>, message: Message, context: SendContext): Promise<Outcome> {
  const { app } = target
  const first = await tokenFor(target, context)
  if ('outcome' in first) return first
  const outcome = await dispatch(target, message, context, first)
  if (outcome.statusCode !== 401 || target.token !== undefined || app === undefined || first.isNew)
    return outcome
  // Revoked before its time.
  forgetToken(app, first.token)
  const second = await tokenFor(target, context)
  if ('outcome' in second) return second
  return dispatch(target, message, context, { token: second.token, refused: first.token })
}

const repository = z.object({ permissions: z.object({ push: z.boolean() }).optional() })

/** https://docs.github.com/rest/repos/repos#get-a-repository */
async function reach(target: TargetOf<'github'>, context: SendContext): Promise<Reach> {
  const { apiUrl, app, repo } = target
  const got = await tokenFor(target, context)
  if ('outcome' in got) return troubled(got.reason ?? 'GitHub gave no token')
  const { token } = got
  return reachByGet('GitHub', context, {
    url: urlUnder(apiUrl, `/repos/${repo}`),
    headers: { accept: 'application/vnd.github+json', authorization: `token ${token}` },
    secrets: [token],
    judge: (answer) => {
      if (answer.status !== 200) {
        const verdict = classifyGithub(answer, target, context.now())
        return troubled('reason' in verdict ? verdict.reason : `GitHub answered ${answer.status}`)
      }
      // For an app, the permissions in the answer are not its own.
      const { permissions } = repository.safeParse(jsonOf(answer.body)).data ?? {}
      return app === undefined && permissions?.push === false
        ? troubled(
            `GitHub shows ${repo}, but this token may not write to it: give it "Contents: read and write"`,
          )
        : reachable(`GitHub shows ${repo}.`)
    },
  })
}

export const github = {
  send,
  reach,
  storm: { way: 'newest', perSecond: 1 },
  sendsText: true,
  replayNote: null,
} satisfies TargetKind<'github'>
