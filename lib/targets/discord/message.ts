import { type Message, projectOf, titleOf } from '../../core/delivery/delivery.ts'
import { type Storm, shownOf, stormTitle } from '../../core/delivery/storm.ts'
import { danger, lookOf, neutral } from '../appearance.ts'
import {
  differenceCode,
  differenceNotes,
  fieldsOf,
  foundMark,
  headerOf,
  reconciledLine,
  rowLines,
} from '../card.ts'
import { messageLinks, webUrl } from '../message-links.ts'
import { firstUnits, quotable } from '../text.ts'
import { fromMarkdown, markdown, named, orDash, quoted } from './text.ts'

/** Discord refuses a message as a whole for one value that is longer: https://docs.discord.com/developers/resources/message#embed-object-embed-limits */
const maxTitle = 256
const maxDescription = 4096
const maxFields = 25
const maxFieldValue = 1024
/** All texts of all embeds together. */
const maxEmbeds = 6000
/** Ours: Discord's limit is 2,000. */
const maxContent = 800
const maxUrl = 500
/** Room of the description that words may take before the difference, which gets the rest. */
const maxDifference = 2500

interface Embed {
  title?: string
  url?: string
  /** Absent where it would be empty, which Discord refuses. */
  description?: string
  color: number
  fields?: { name: string; value: string; inline: true }[]
  footer?: { text: string }
}

/** https://docs.discord.com/developers/resources/webhook#execute-webhook */
export interface DiscordMessage {
  content: string
  embeds: [Embed]
  /** No text can mention anyone. */
  allowed_mentions: { parse: [] }
}

const messageOf = (content: string, embed: Embed): DiscordMessage => ({
  content: orDash(content),
  embeds: [embed],
  allowed_mentions: { parse: [] },
})

const colorOf = (hex: string): number => Number.parseInt(hex.slice(1), 16)

/** The parts that fit into `room` with a line break each, in their order; one that does not fit is left out. */
function fitting(parts: readonly string[], room: number): string[] {
  let left = room
  return parts.filter((part) => {
    if (part.trim() === '' || part.length + 1 > left) return false
    left -= part.length + 1
    return true
  })
}

function wordsOf(whole: Message): string[] {
  const { prompt, message, problems } = whole.change.detail
  return [
    reconciledLine(whole, { markup: markdown, share: 0.5 }),
    prompt?.commitMessage?.trim() ? quoted(prompt.commitMessage, 500) : '',
    fromMarkdown(message ?? '', 600),
    ...problems.slice(0, 5).map((problem) => `• ${named(problem, 160)}`),
    ...rowLines(whole, { markup: markdown, share: 0.5 }),
  ]
}

function differenceOf({ change, links }: Message, room: number): string[] {
  const { difference } = change.detail
  if (difference === null) return []
  if (typeof difference === 'string') return [named(difference, 300)]
  const notes = fitting(differenceNotes(difference, markdown), room / 2)
  const left = room - notes.reduce((sum, note) => sum + note.length + 1, 0)
  const size = Math.min(left, maxDifference)
  const code = differenceCode(difference, { page: webUrl(links.page, maxUrl), room: size, markup: markdown })
  return [...(code === null ? [] : [code]), ...notes]
}

function descriptionOf(message: Message, room: number): string {
  const into = messageLinks(message, maxUrl).map(({ label, url }) => markdown.link(url, label))
  const links = fitting(into, room).join(' · ')
  const words = fitting(wordsOf(message), room - links.length - 1)
  const used = [...words, links].join('\n').length + 1
  return [...words, ...fitting(differenceOf(message, room - used), room - used), links].join('\n')
}

function embedOf(message: Message): Embed {
  const { change, links } = message
  const fields = fieldsOf(message, { markup: markdown, share: 0.7 })
    .slice(0, maxFields)
    .map(([name, value]) => ({
      name,
      value: orDash(firstUnits(value, maxFieldValue)),
      inline: true as const,
    }))
  const of = projectOf(message)
  const project = of === null ? [] : [`project ${quotable(of, 100)}`]
  // A footer shows marks as they are.
  const footer = [...(change.test ? ['test'] : []), ...project, quotable(change.id, 60)].join(' · ')
  const title = orDash(named(headerOf(message), maxTitle))
  const page = webUrl(links.page, maxUrl)
  const used = [title, footer, ...fields.flatMap(({ name, value }) => [name, value])].join('').length
  const description = descriptionOf(message, Math.min(maxDescription, maxEmbeds - used))
  return {
    title,
    ...(page !== null && { url: page }),
    ...(description !== '' && { description }),
    color: colorOf(lookOf(change).color),
    fields,
    footer: { text: footer },
  }
}

/** One change as a Discord message: its title, and an embed in its colour. Within Discord's limits whatever the change holds. */
export const discordMessage = (message: Message): DiscordMessage =>
  messageOf(named(titleOf(message), maxContent), embedOf(message))

function lineOf(message: Message, room: number): string {
  const { change, links } = message
  const url = webUrl(links.page, room / 2)
  const into = url === null ? '' : ` ${markdown.link(url, 'What changed')}`
  const icon = change.danger ? '🔴' : lookOf(change).icon
  return `${icon} ${named(titleOf(message), room - into.length - icon.length - 1)}${into}`
}

const colorOfAll = (messages: readonly Message[]): number =>
  colorOf(messages.some(({ change }) => change.danger) ? danger : neutral)

/** Up to 20 changes as one message, in the order given, one a line. */
export function discordDigest(messages: Message[]): DiscordMessage {
  const room = Math.floor(maxDescription / messages.length) - 1
  const lines = messages.map((message) => {
    const mark = foundMark(message)
    return `${lineOf(message, room - mark.length)}${mark}`
  })
  const description = lines.join('\n')
  return messageOf(`${messages.length} changes`, { description, color: colorOfAll(messages) })
}

/** Any number of changes as one message, 20 of them in a line each. */
export function discordStorm(storm: Storm): DiscordMessage {
  const { shown, left } = shownOf(storm, 20)
  const list = webUrl(storm.list, maxUrl)
  const others = left > 0 ? [`… and ${left.toLocaleString('en')} more`] : []
  const all = list === null ? [] : [markdown.link(list, 'See all')]
  const last = [...others, ...all].join(' ')
  const room = Math.floor((maxDescription - last.length - 1) / shown.length) - 1
  const lines = [...shown.map((message) => lineOf(message, room)), ...(last === '' ? [] : [last])]
  const embed = { description: lines.join('\n'), color: colorOfAll(storm.messages) }
  return messageOf(stormTitle(storm), embed)
}
