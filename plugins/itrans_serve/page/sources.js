// Pictures from elsewhere: files, dropped or pasted ones, the camera.

import { element } from "./elements.js";

/** Call `take(blob)` for each picture that comes, by whichever way. */
export function listen(take, fail) {
  const stage = element("stage");
  for (const [button, input] of [["upload", "file"], [null, "snapshot"]]) {
    if (button) element(button).addEventListener("click", () => element(input).click());
    element(input).addEventListener("change", () => {
      if (element(input).files.length) take(element(input).files[0]);
      element(input).value = "";
    });
  }
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    stage.classList.add("dropping");
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) stage.classList.remove("dropping");
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    stage.classList.remove("dropping");
    if (event.dataTransfer.files.length) take(event.dataTransfer.files[0]);
  });
  document.addEventListener("paste", (event) => {
    const file = [...event.clipboardData.files].find((one) => one.type.startsWith("image/"));
    if (file) take(file);
  });
  listenToCamera(take, fail);
}

function listenToCamera(take, fail) {
  const [dialog, video] = [element("camera-dialog"), element("video")];
  element("camera").addEventListener("click", async () => {
    // Browsers show the camera to pages of this machine only; elsewhere a phone's own camera takes the picture.
    if (!navigator.mediaDevices?.getUserMedia) {
      element("snapshot").click();
      return;
    }
    try {
      video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
      dialog.showModal();
    } catch (error) {
      fail(new Error(`The camera cannot be used: ${error.message}`));
    }
  });
  element("shoot").addEventListener("click", () => {
    const canvas = Object.assign(document.createElement("canvas"), { width: video.videoWidth, height: video.videoHeight });
    if (canvas.width) {
      canvas.getContext("2d").drawImage(video, 0, 0);
      canvas.toBlob(take, "image/png");
    }
    dialog.close();
  });
  element("camera-cancel").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => {
    for (const track of video.srcObject?.getTracks() ?? []) track.stop();
    video.srcObject = null;
  });
}

/** The size for a picture of some shape that has about as many pixels as those that the checkpoint has seen. */
export function fitting(picture, { width, height }, most = 1024) {
  const scale = Math.sqrt((width * height) / (picture.width * picture.height));
  const limit = Math.min(scale, most / Math.max(picture.width, picture.height));
  return { width: Math.max(16, Math.round(picture.width * limit)), height: Math.max(16, Math.round(picture.height * limit)) };
}

/** A picture of another size, as a PNG. */
export async function scaled(bitmap, { width, height }) {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, width, height);
  return canvas.convertToBlob({ type: "image/png" });
}
