import { z } from 'zod'
import { factKinds, kinds } from '../../core/change/kinds.ts'

/** Characters and entries: what is longer is cut, so that a body stays below a megabyte. Names have 600 at most. */
export const maxName = 600
export const maxText = 10_000
export const maxEntries = 100
export const maxLines = 200

const name = z.string().max(maxName)
const names = z.array(name).max(maxEntries)
const version = z.int()

const difference = z
  .object({
    fromVersion: version,
    toVersion: version,
    lines: z
      .array(z.object({ sign: z.enum(['+', '-', ' ']), text: name }))
      .max(maxLines)
      .describe('Lines of the text: added, removed, or beside them'),
    cutLines: z.int().describe('How many further lines are left out'),
    variablesAdded: names.describe('Names of {{name}} variables, and placeholder:<name>'),
    variablesRemoved: names,
    config: z
      .array(z.object({ key: name, before: name.nullable(), after: name.nullable() }))
      .max(maxEntries)
      .describe('Keys of the config by dotted path, with their JSON; null: the key is missing'),
  })
  .describe('What changed in the text and the config between two versions')

const prompt = z
  .object({
    name,
    version: version.nullable().describe('The version that the event is about'),
    labels: names.describe('Of the version that the change is mostly about, after it'),
    labelsOmitted: z.int().min(1).optional().describe('How many further labels are left out; absent: none'),
    labelsBefore: names.nullable().describe('Null: not known'),
    tags: names,
    type: name.nullable().describe('text or chat'),
    commitMessage: name.nullable(),
  })
  .describe('The text itself is not sent: read it from Langfuse by name and version')

const observed = z.object({
  event: name,
  id: name,
  traceId: name.nullable(),
  observationId: name.nullable(),
  name: name.nullable(),
  at: z.iso.datetime(),
  environment: name.nullable(),
  level: name.nullable(),
  message: name.nullable().describe("The status message, or a score's comment"),
  model: name.nullable(),
  latencyMs: z.number().nullable(),
  cost: z.number().nullable().describe('USD'),
  value: z.union([z.number(), z.boolean(), name]).nullable().describe('Of a score'),
  url: z.string().nullable().describe('Of its trace in Langfuse'),
})

/** The body of a signed webhook. `docs/change.schema.json` is made from this. */
export const webhookBody = z
  .object({
    version: z.literal(1).describe('Of this format. Fields may be added to it; none is taken away'),
    type: z
      .enum(factKinds.map((kind) => kinds[kind].publicName))
      .describe('What happened. Further types may come: ignore what you do not know'),
    timestamp: z.iso.datetime().describe('When the relay received its first event'),
    data: z.object({
      id: name.describe(
        'Of the change; several types may be true of one change, of which each target gets one',
      ),
      kinds: names.describe('All that is true of the change, in the words of the rules in relay.config.ts'),
      title: name.describe('A sentence for people'),
      subject: name.describe('The name of the prompt, monitor, resource or target'),
      projectId: name.nullable().describe('Of Langfuse; null for what is about the relay itself'),
      project: name
        .optional()
        .describe('What relay.config.ts calls the project; absent where it has no name'),
      actor: name.nullable().describe('Who did it; API for changes by API key; null: not known'),
      actors: names
        .optional()
        .describe('Where the change is the work of several people: all of them; actor did what type says'),
      danger: z.boolean().describe('Someone should look'),
      test: z.boolean().describe('Sent from the setup page: nothing happened'),
      reconciled: z
        .literal(true)
        .optional()
        .describe(
          'Found by comparing with Langfuse, because no webhook came: it may have happened long before',
        ),
      label: name.nullable(),
      from: version.nullable().describe('The version that the label left'),
      to: version.nullable().describe('The version that the label is on now'),
      carried: z
        .enum(['nowhere', 'unknown', 'newer_version'])
        .optional()
        .describe('Of prompt.label_removed: where the label is now, as far as it is known'),
      severity: name.nullable().describe("Of alerts and notifications, in Langfuse's words"),
      monitorId: name.nullable().describe('The same in an alert and its recovery'),
      traceId: name.nullable().describe('Of a callback: what someone asked to have looked at'),
      observationId: name.nullable(),
      sessionId: name.nullable(),
      count: z.int().nullable().describe('Of the traces, scores or deliveries that it is about'),
      firstAt: z.iso.datetime().nullable().describe('Of the first of them'),
      lastAt: z.iso.datetime().nullable(),
      observed: z
        .array(observed)
        .max(maxEntries)
        .describe('The first of the traces, observations or scores that it is about'),
      message: z.string().max(maxText).nullable().describe('Markdown'),
      environments: names,
      prompt: prompt.nullable(),
      difference: difference.nullable().describe('Null: not compared'),
      url: z.string().nullable().describe("The change on the relay's page"),
      langfuseUrl: z.string().nullable(),
    }),
  })
  .meta({ title: 'A change, as Prompt Relay sends it by signed webhook' })

export type WebhookBody = z.infer<typeof webhookBody>
