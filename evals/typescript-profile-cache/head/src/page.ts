import { Comment, ShownComment, withAuthors } from "./comments";
import { Logger, ProfileApi, ProfileCache } from "./profiles";

export interface Page {
  title: string;
  comments: ShownComment[];
}

/** Load what a page shows. */
export async function loadPage(title: string, comments: Comment[], api: ProfileApi, log: Logger): Promise<Page> {
  return { title, comments: await withAuthors(comments, new ProfileCache(api, log)) };
}
