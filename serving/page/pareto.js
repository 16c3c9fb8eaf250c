/** The materials that no other one beats in both properties. */

/**
 * Find the front where both coordinates are to be large.
 * @template {{x: number, y: number}} Point
 * @param {Point[]} points
 * @returns {Point[]} Points that none other equals or exceeds in both while exceeding in one; by falling x.
 */
export function paretoFront(points) {
  const sorted = [...points].sort((a, b) => b.x - a.x || b.y - a.y);
  const front = [];
  let [bestY, atX] = [-Infinity, Infinity];
  for (const point of sorted) {
    if (point.y > bestY) [bestY, atX] = [point.y, point.x];
    else if (point.y < bestY || point.x < atX) continue;
    front.push(point);
  }
  return front;
}
