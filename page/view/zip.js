/* A ZIP of files that are small already (PNG), so nothing is compressed: made here, without a server. */

const CRC = Uint32Array.from({ length: 256 }, (_, value) => {
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});
const crc32 = (data) => ~data.reduce((sum, value) => CRC[(sum ^ value) & 255] ^ (sum >>> 8), -1) >>> 0;

/* Numbers as bytes, the lowest first: pairs of how many bytes, and the number. */
const littleEndian = (...numbers) => Uint8Array.from(numbers.flatMap(([size, number]) =>
  Array.from({ length: size }, (_, place) => Math.floor(number / 256 ** place) & 255)));

/* A ZIP of [name, Blob] pairs, whose names differ; names may hold any letters. */
async function zip(files) {
  const now = new Date();
  const time = (now.getHours() << 11) | (now.getMinutes() << 5) | (now.getSeconds() >> 1);
  const date = ((now.getFullYear() - 1980) << 9) | ((now.getMonth() + 1) << 5) | now.getDate();
  const [parts, list] = [[], []];
  let offset = 0;
  for (const [name, blob] of files) {
    const letters = new TextEncoder().encode(name);
    const sum = crc32(new Uint8Array(await blob.arrayBuffer()));
    // version, names in UTF-8, stored, when, sum, size as stored and as it is, length of the name, nothing more
    const facts = [[2, 20], [2, 0x800], [2, 0], [2, time], [2, date], [4, sum], [4, blob.size], [4, blob.size], [2, letters.length], [2, 0]];
    const head = [littleEndian([4, 0x04034b50], ...facts), letters];
    parts.push(...head, blob);
    list.push(littleEndian([4, 0x02014b50], [2, 20], ...facts, [2, 0], [2, 0], [2, 0], [4, 0], [4, offset]), letters);
    offset += head[0].length + letters.length + blob.size;
  }
  const size = list.reduce((sum, part) => sum + part.length, 0);
  const end = littleEndian([4, 0x06054b50], [2, 0], [2, 0], [2, files.length], [2, files.length], [4, size], [4, offset], [2, 0]);
  return new Blob([...parts, ...list, end], { type: 'application/zip' });
}
