// Quick words for a caption: a glove writes nothing.

/** `text` with one more of them. In a row they are in small letters, but where nouns never are. */
export function joined(text: string, word: string, language: string): string {
  const before = text.trim();
  return before ? `${before}, ${language.startsWith("de") ? word : word.toLowerCase()}` : word;
}
