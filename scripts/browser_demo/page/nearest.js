// The sentences whose embeddings have the largest cosine with a query's, one of each language.

export class Sentences {
  /**
   * @param {{languages: {code: string, sentences: string[]}[], size: number, scale: number}} page what is in page.json
   * @param {ArrayBuffer} numbers embeddings in 8 bits, [languages, sentences, size]: times `scale` they have length 1
   */
  constructor({ languages, size, scale }, numbers) {
    Object.assign(this, { languages, size, scale, numbers: new Int8Array(numbers) });
  }

  /** @param {Float32Array} embedding of length 1 @returns {{sentence: number, cosine: number}[]} */
  nearest(embedding) {
    let row = 0;
    return this.languages.map(({ sentences }) => {
      let found = { sentence: 0, cosine: -Infinity };
      for (let sentence = 0; sentence < sentences.length; sentence++, row++) {
        const cosine = this.cosine(embedding, row);
        if (cosine > found.cosine) found = { sentence, cosine };
      }
      return found;
    });
  }

  cosine(embedding, row) {
    let sum = 0;
    for (let i = 0, at = row * this.size; i < this.size; i++, at++) sum += embedding[i] * this.numbers[at];
    return sum * this.scale;
  }
}
