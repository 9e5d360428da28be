/**
 * Remembers what texts were understood as. A daemon reads the same documents again and again, most of them unchanged:
 * to parse and check one takes some hundred times as long as to find it here.
 * @module
 */

/**
 * Keeps what was made of texts of together at most twice `mostChars` characters; what was not asked for lately goes first.
 * What is kept is shared by all who ask for it, and must not be changed.
 */
export class TextMemo<T> {
  readonly #mostChars: number;
  /** Asked for since the last change of generations. */
  #young = new Map<string, T>();
  #old = new Map<string, T>();
  #youngChars = 0;

  constructor(mostChars: number) {
    this.#mostChars = mostChars;
  }

  /** What `make` made of this text. Throws what `make` throws, and remembers nothing then. */
  get(text: string, make: (text: string) => T): T {
    const known = this.#young.get(text);
    if (known !== undefined) return known;
    const made = this.#old.get(text) ?? make(text);
    if (this.#youngChars + text.length > this.#mostChars) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#youngChars = 0;
    }
    // A text that is larger than all that may be kept would push out everything else.
    if (text.length > this.#mostChars) return made;
    this.#young.set(text, made);
    this.#youngChars += text.length;
    return made;
  }
}
