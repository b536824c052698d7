/** "The known state of 12 prompts was corrected from Langfuse". */
export const correctedTitle = (prompts: number): string =>
  prompts === 1
    ? 'The known state of 1 prompt was corrected from Langfuse'
    : `The known state of ${prompts.toLocaleString('en')} prompts was corrected from Langfuse`
