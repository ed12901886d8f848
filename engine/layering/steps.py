"""The named parts of layering, apart from what does them: most upgrades layer nothing, and loading
all of it takes 0.1 s."""

LAYERING_STEPS = {
    "download": "Download and verify packages",
    "import": "Import packages",
    "assemble": "Put the tree together",
    "scripts": "Run package scripts",
    "initramfs": "Make the initramfs",
    "commit": "Commit the tree",
}
